"""The C library's draws against the exact probabilities of the golden sampler."""

from __future__ import annotations

import numpy as np
import pytest

from host_c import Model
from host_c.sampler_test import first_letter_shares
from talos_ref.golden.arithmetic import folded
from talos_ref.golden.gumbel_noise import GumbelNoise
from talos_ref.golden.gumbel_sampler import GumbelSampler
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.model.checkpoint import default_checkpoint
from talos_ref.model.config import MICROGPT
from talos_ref.studies.gumbel import exact_probabilities


@pytest.mark.parametrize("temperature", [0.25, 1.0])
def test_first_letters_have_their_exact_probabilities(temperature: float) -> None:
    """Over a million neighbouring seeds, within 4.5 standard errors; `python -m host_c.sampler_test` takes 10^8."""
    names = 1_000_000
    golden = IntegerModel(default_checkpoint(), folded(MICROGPT))
    logits = golden.logits(MICROGPT.bos, 0, golden.new_cache())
    wanted = exact_probabilities(GumbelSampler(noise=GumbelNoise()), logits, round(256 * temperature))
    shares = first_letter_shares(Model(default_checkpoint(), "folded"), temperature, names)
    deviation = np.sqrt(wanted * (1 - wanted) / names) + 1 / names
    assert (np.abs(shares - wanted) / deviation).max() < 4.5
