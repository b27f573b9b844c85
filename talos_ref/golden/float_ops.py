"""RMSNorm and softmax on arrays of float32 or float64, computed in the same; the last axis is the vector."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import numpy.typing as npt

__all__ = ["NORM_EPS", "rms_scale", "rmsnorm", "softmax"]

NORM_EPS = 1e-5
"""Added to the mean square in RMSNorm."""

F = TypeVar("F", np.float32, np.float64)


def rms_scale(x: npt.NDArray[F]) -> npt.NDArray[F]:
    """Return ``1 / sqrt(mean(x²) + NORM_EPS)``, the last axis kept with length 1."""
    mean = (x * x).sum(axis=-1, keepdims=True) / x.shape[-1]
    return np.asarray(1 / np.sqrt(mean + NORM_EPS), dtype=x.dtype)


def rmsnorm(x: npt.NDArray[F]) -> npt.NDArray[F]:
    """Return ``x · rms_scale(x)``."""
    return x * rms_scale(x)


def softmax(x: npt.NDArray[F], exp: Callable[[npt.NDArray[F]], npt.NDArray[F]] = np.exp) -> npt.NDArray[F]:
    """Return ``exp(x) / Σ exp(x)``, the maximum taken off first; −inf gives 0."""
    e = exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True), dtype=x.dtype)
