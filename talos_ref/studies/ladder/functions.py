"""The functions of the ladder's models with their gradients; the last axis is the vector."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from talos_ref.golden import float_ops
from talos_ref.studies.ladder.tensor import Array, Indices, Tensor

__all__ = ["cross_entropy", "relu", "rmsnorm", "softmax", "tanh"]


def tanh(x: Tensor) -> Tensor:
    """Return the hyperbolic tangent."""
    y = np.tanh(x.value)
    return Tensor(y, ((x, lambda g: g * (1 - y * y)),))


def relu(x: Tensor) -> Tensor:
    """Return ``max(x, 0)``."""
    return Tensor(np.maximum(x.value, 0), ((x, lambda g: g * (x.value > 0)),))


def softmax(x: Tensor, hidden: npt.NDArray[np.bool_] | Any = False) -> Tensor:
    """Return ``exp(x) / Σ exp(x)``; where ``hidden`` is true, the weight is 0."""
    y = float_ops.softmax(np.where(hidden, -np.inf, x.value))
    return Tensor(y, ((x, lambda g: y * (g - (g * y).sum(axis=-1, keepdims=True))),))


def rmsnorm(x: Tensor) -> Tensor:
    """Return ``x / sqrt(mean(x²) + 1e-5)``."""
    scale = float_ops.rms_scale(x.value)
    y = x.value * scale
    return Tensor(y, ((x, lambda g: scale * (g - y * (g * y).mean(axis=-1, keepdims=True))),))


def cross_entropy(logits: Tensor, targets: Indices, shares: Array | None = None) -> Tensor:
    """Return the mean of ``−ln softmax(logits)[target]`` in nats, a scalar.

    Parameters
    ----------
    targets
        An index for each vector of logits, in the same shape.
    shares
        What each vector counts, 1 in all; None for a plain mean.
    """
    flat, wanted = logits.value.reshape(-1, logits.value.shape[-1]), targets.ravel()
    picked = np.arange(len(wanted)), wanted
    weights = np.full(len(wanted), 1 / len(wanted)) if shares is None else shares
    p = float_ops.softmax(flat)

    def back(g: Array) -> Array:
        slope = p.copy()
        slope[picked] -= 1
        return np.asarray(g * (slope * weights[:, None]).reshape(logits.value.shape))

    return Tensor(np.asarray(-(weights * np.log(p[picked])).sum()), ((logits, back),))
