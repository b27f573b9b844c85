"""The products that `folded` makes beforehand, and what it rounds where."""

from __future__ import annotations

import numpy as np
import pytest

from talos_ref.golden.arithmetic import folded, precise
from talos_ref.golden.batched import batched_logits
from talos_ref.golden.clipping import ClipCounter, clipped_constants, counted_logits
from talos_ref.golden.float_model import FloatModel
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import MICROGPT


def test_constants_are_the_products(checkpoint: Checkpoint) -> None:
    model = IntegerModel(checkpoint, folded(MICROGPT))
    words = {name: np.array(tensor) for name, tensor in model.tensors.items()}
    for name, left in (("fc1_wo", "layer0.fc1"), ("lm_head_wo", "lm_head")):
        assert np.abs(words[name] - words[left] @ words["layer0.wo"] / 4096).max() <= 0.5
    assert words["folded"].tolist() == IntegerModel(checkpoint, precise(MICROGPT)).tensors["folded"]


def test_logits_beyond_a_word(checkpoint: Checkpoint) -> None:
    """The letters that the published model all but rules out have logits below -8, which `precise` clips."""
    tokens = np.random.default_rng(1).integers(0, 27, (20, 16))
    wanted = FloatModel(checkpoint).batched_logits(tokens)
    ours, theirs = (batched_logits(IntegerModel(checkpoint, spec(MICROGPT)), tokens) for spec in (folded, precise))
    assert wanted.min() < -8
    assert np.abs(ours / 4096 - np.maximum(wanted, -16)).max() < 0.01
    assert theirs.min() == -32768


def test_what_saturates_is_counted(checkpoint: Checkpoint) -> None:
    """Weights seven times as large: every new unit appears under its own name."""
    tensors = {name: tensor * np.float32(7) for name, tensor in checkpoint.tensors.items()}
    large, spec = Checkpoint(MICROGPT, tensors), folded(MICROGPT)
    assert {"fc1_wo", "lm_head_wo"} <= set(clipped_constants(large, spec))
    counter = ClipCounter()
    counted_logits(IntegerModel(large, spec), np.array([[26, 0, 13, 13, 0]]), counter)
    assert {"layer0.hidden addend", "logits addend", "layer0.hidden", "logits"} <= set(counter.units)
    assert counter.units["logits"].largest > 16


@pytest.mark.parametrize("name", ["fc1_wo", "lm_head_wo", "folded"])
def test_a_flipped_bit_of_a_constant_is_seen(checkpoint: Checkpoint, name: str) -> None:
    model, changed = (IntegerModel(checkpoint, folded(MICROGPT)) for _ in range(2))
    # Of a hidden unit, or a token, that counts in these names.
    changed.tensors[name][5][7] ^= 128
    tokens = np.random.default_rng(1).integers(0, 27, (20, 16))
    assert (batched_logits(model, tokens) != batched_logits(changed, tokens)).any()
