"""The transformer of the last two steps: the circuit's own, with a gain after each norm where there is one."""

from __future__ import annotations

import numpy as np

from talos_ref.model.config import ModelConfig
from talos_ref.studies.ladder.functions import relu, rmsnorm, softmax
from talos_ref.studies.ladder.tensor import (
    Indices,
    Tensor,
    add,
    linear,
    matmul,
    multiply,
    reshape,
    rows,
    transpose,
)

__all__ = ["GAINS", "Parameters", "forward"]

Parameters = dict[str, Tensor]
"""Name -> tensor: those of `ModelConfig.shapes` for one layer, and where a model has them the gains of `GAINS`."""
GAINS = {
    "gain.attention": ("layer0.wq", "layer0.wk", "layer0.wv"),
    "gain.mlp": ("layer0.fc1",),
    "gain.head": ("lm_head",),
}
"""Gain [n_embd] of a vector -> the matrices that multiply this vector."""


def _gained(x: Tensor, p: Parameters, name: str) -> Tensor:
    gain = p.get(name)
    return x if gain is None else multiply(x, gain)


def forward(p: Parameters, tokens: Indices, config: ModelConfig) -> Tensor:
    """Return logits [text, position, vocab] of tokens [text, position], each position seeing what precedes it.

        x = rmsnorm(wte[token] + wpe[position])
        x = x + Wo · attention(gain · rmsnorm(x))
        x = x + fc2 · relu(fc1 · (gain · rmsnorm(x)))
        logits = lm_head · (gain · x)
    """
    texts, length = tokens.shape
    split = (texts, length, config.n_head, config.head_dim)
    root = Tensor(np.array(config.head_dim**-0.5))
    future = np.triu(np.ones((length, length), dtype=bool), 1)
    x = rmsnorm(add(rows(p["wte"], tokens), rows(p["wpe"], np.arange(length))))
    normed = _gained(rmsnorm(x), p, "gain.attention")
    # [text, head, position, head_dim]; keys have their last two axes the other way round.
    q = transpose(reshape(linear(normed, p["layer0.wq"]), *split), 0, 2, 1, 3)
    k = transpose(reshape(linear(normed, p["layer0.wk"]), *split), 0, 2, 3, 1)
    v = transpose(reshape(linear(normed, p["layer0.wv"]), *split), 0, 2, 1, 3)
    weights = softmax(multiply(matmul(q, k), root), future)
    mixed = reshape(transpose(matmul(weights, v), 0, 2, 1, 3), texts, length, config.n_embd)
    x = add(x, linear(mixed, p["layer0.wo"]))
    hidden = relu(linear(_gained(rmsnorm(x), p, "gain.mlp"), p["layer0.fc1"]))
    x = add(x, linear(hidden, p["layer0.fc2"]))
    return linear(_gained(x, p, "gain.head"), p["lm_head"])
