"""Formats of weights: each value on its grid, the nearest one, in plain fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from talos_ref.golden.format import Q4_12, Q5_12
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.studies.quant.weights import WEIGHT_FORMATS, fixed, largest_error, symmetric


@pytest.mark.parametrize(("bits", "largest"), [(8, 127), (4, 7), (2, 1)])
def test_symmetric(small_checkpoint: Checkpoint, bits: int, largest: int) -> None:
    rounded = symmetric(small_checkpoint, bits)
    for name, tensor in small_checkpoint.tensors.items():
        scale = Fraction(float(np.abs(tensor).max())) / largest
        found = set()
        for value, to in zip(tensor.ravel().tolist(), rounded.tensors[name].ravel().tolist(), strict=True):
            n = round(Fraction(value) / scale)
            assert to == pytest.approx(float(n * scale), rel=1e-6)
            found.add(n)
        assert max(map(abs, found)) == largest
        assert min(found) < 0 < max(found)


def test_a_tensor_of_zeros_stays_so(small_checkpoint: Checkpoint) -> None:
    tensors = {name: np.zeros_like(tensor) for name, tensor in small_checkpoint.tensors.items()}
    zeros = Checkpoint(small_checkpoint.config, tensors)
    assert symmetric(zeros, 4) == zeros


def test_fixed(small_checkpoint: Checkpoint) -> None:
    tensors = dict(small_checkpoint.tensors)
    tensors["wte"] = tensors["wte"] * 20
    wide = Checkpoint(small_checkpoint.config, tensors)
    for word in (Q4_12, Q5_12):
        rounded = fixed(wide, word)
        for name, tensor in tensors.items():
            expected = [word.quantise(value) / 4096 for value in tensor.ravel().tolist()]
            assert rounded.tensors[name].ravel().tolist() == expected
    assert largest_error(wide, fixed(wide, Q4_12)) > 1, "20 deviations of 0.4 do not fit"


def test_largest_error(checkpoint: Checkpoint) -> None:
    tensors = {name: tensor.copy() for name, tensor in checkpoint.tensors.items()}
    tensors["layer0.wv"][3, 5] -= np.float32(0.25)
    assert largest_error(checkpoint, Checkpoint(checkpoint.config, tensors)) == pytest.approx(0.25, abs=1e-6)
    assert largest_error(checkpoint, WEIGHT_FORMATS["fp32"](checkpoint)) == 0
