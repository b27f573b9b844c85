"""Activations of 8 bits beside weights of 8 bits: what an integer machine with few multiplier bits would compute.

Each operand of a product becomes ``scale · n`` with an integer n from −127 to 127; see `forward` for which these are.
Norms, softmax and the residual stream stay in float, and sums of products are exact.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from talos_ref.model.checkpoint import Checkpoint
from talos_ref.studies.nll import BatchedLogits, padded_tokens
from talos_ref.studies.quant.forward import Array, forward
from talos_ref.studies.quant.weights import symmetric, symmetric_scale

__all__ = ["BITS", "per_tensor_logits", "per_vector_logits"]

BITS = 8
_LEVELS = 2 ** (BITS - 1) - 1


def _tensors(checkpoint: Checkpoint) -> dict[str, Array]:
    return {name: tensor.astype(np.float64) for name, tensor in symmetric(checkpoint, BITS).tensors.items()}


def _rounded(vectors: Array, scale: Array) -> Array:
    return np.asarray(np.clip(np.rint(vectors / scale), -_LEVELS, _LEVELS) * scale)


def per_vector_logits(checkpoint: Checkpoint) -> BatchedLogits:
    """Return a model whose activations have a scale for each vector, its largest magnitude over 127."""
    tensors, config = _tensors(checkpoint), checkpoint.config

    def rounded(_: str, vectors: Array) -> Array:
        return _rounded(vectors, symmetric_scale(np.abs(vectors).max(axis=-1, keepdims=True), BITS))

    return lambda tokens: forward(tensors, config, tokens, rounded)


def per_tensor_logits(checkpoint: Checkpoint, words: Sequence[str]) -> BatchedLogits:
    """Return a model whose activations have one scale each, their largest magnitude on ``words`` over 127.

    What is larger on other words saturates.
    """
    tensors, config = _tensors(checkpoint), checkpoint.config
    inputs, targets = padded_tokens(words, config)
    used, scales = targets >= 0, dict[str, Array]()

    def measured(name: str, vectors: Array) -> Array:
        # Padding is no word: [name, position, vector], or with a head before the position.
        counted = used if vectors.ndim == 3 else used[:, None, :].repeat(vectors.shape[1], axis=1)
        scales[name] = symmetric_scale(np.abs(vectors[counted]).max(), BITS)
        return vectors

    forward(tensors, config, inputs, measured)
    return lambda tokens: forward(tensors, config, tokens, lambda name, vectors: _rounded(vectors, scales[name]))
