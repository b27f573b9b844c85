"""Names by Python's generator: those of the float model."""

from __future__ import annotations

import random

import numpy as np
import pytest

from talos_ref.golden.float_model import FloatModel, names_by_choices
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.studies.samples import sample_names


@pytest.mark.parametrize("which", ["checkpoint", "small_checkpoint"])
@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_names_of_the_float_model(which: str, temperature: float, request: pytest.FixtureRequest) -> None:
    model = FloatModel(request.getfixturevalue(which))
    found = sample_names(
        lambda tokens: model.batched_logits(np.array([tokens]))[0, -1],
        model.config, seed=7, temperature=temperature, count=30,
    )  # fmt: skip
    expected = names_by_choices(model, random.Random(7), temperature, 30)
    assert found == [model.config.decode(tokens) for tokens in expected]


def test_a_name_has_no_more_letters_than_a_block(checkpoint: Checkpoint) -> None:
    never_ends = np.zeros(27)
    never_ends[26] = -1e3
    names = sample_names(lambda _: never_ends, checkpoint.config, seed=1, temperature=1.0, count=3)
    assert [len(name) for name in names] == [15, 15, 15]
