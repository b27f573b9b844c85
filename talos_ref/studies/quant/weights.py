"""Formats of weights: each tensor rounded to few values and taken back to float32, so that only rounding is measured.

The conventions are those of the published study (https://github.com/NakliTechie/micro-gpt, quant/quant_study.py):
fixed point has one scale for all tensors; an integer format is symmetric and has a scale of its own for each tensor.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from talos_ref.golden.format import Q4_12, Format
from talos_ref.model.checkpoint import Checkpoint, quantise

__all__ = ["WEIGHT_FORMATS", "fixed", "largest_error", "symmetric", "symmetric_scale"]

Q3_13 = Format(width=16, fraction=13)


def symmetric_scale(largest: npt.ArrayLike, bits: int) -> npt.NDArray[np.float64]:
    """Return what one step of a symmetric integer stands for: ``largest / (2^(bits−1) − 1)``, and 1 for a 0."""
    found = np.asarray(largest, dtype=np.float64)
    return np.asarray(np.where(found > 0, found, 1.0) / (2 ** (bits - 1) - 1))


def fixed(checkpoint: Checkpoint, format: Format) -> Checkpoint:
    """Return weights rounded half to even to a fixed-point format, and saturated."""
    words = quantise(checkpoint, format)
    return Checkpoint(
        checkpoint.config, {name: (word / (1 << format.fraction)).astype(np.float32) for name, word in words.items()}
    )


def symmetric(checkpoint: Checkpoint, bits: int) -> Checkpoint:
    """Return weights rounded half to even to ``scale · n`` with ``|n| < 2^(bits−1)``, a scale for each tensor.

    The scale puts the tensor's largest magnitude on the largest n: 127, 7 and 1 for 8, 4 and 2 bits.
    """
    rounded = {}
    for name, tensor in checkpoint.tensors.items():
        scale = symmetric_scale(np.abs(tensor).max(), bits)
        rounded[name] = (np.rint(tensor / scale) * scale).astype(np.float32)
    return Checkpoint(checkpoint.config, rounded)


def largest_error(checkpoint: Checkpoint, rounded: Checkpoint) -> float:
    """Return the largest distance of a weight from what it was."""
    errors = (np.abs(tensor - rounded.tensors[name]).max() for name, tensor in checkpoint.tensors.items())
    return float(max(errors))


WEIGHT_FORMATS: dict[str, Callable[[Checkpoint], Checkpoint]] = {
    "fp32": lambda checkpoint: checkpoint,
    "Q4.12": lambda checkpoint: fixed(checkpoint, Q4_12),
    "Q3.13": lambda checkpoint: fixed(checkpoint, Q3_13),
    "int8": lambda checkpoint: symmetric(checkpoint, 8),
    "int4": lambda checkpoint: symmetric(checkpoint, 4),
    "int2": lambda checkpoint: symmetric(checkpoint, 2),
}
"""The published formats, in their order."""
