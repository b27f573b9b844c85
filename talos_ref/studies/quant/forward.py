"""The float model with an eye on every vector that a matrix or another vector multiplies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from talos_ref.golden.float_ops import rmsnorm, softmax
from talos_ref.model.config import ModelConfig

__all__ = ["Array", "Seen", "forward"]

Array = npt.NDArray[Any]
"""Real numbers, float32 or float64."""
Seen = Callable[[str, Array], Array]
"""Name of an activation and its vectors [..., vector] -> the vectors to go on with."""


def _as_it_is(_: str, vectors: Array) -> Array:
    return vectors


def forward(
    tensors: Mapping[str, Array], config: ModelConfig, tokens: npt.NDArray[np.int64], seen: Seen = _as_it_is
) -> Array:
    """Return logits [name, position, vocab] of tokens [name, position], in the precision of the tensors.

    The formula is that of `FloatModel.batched_logits`. ``seen`` is given each operand of a product that is no weight:
    ``layer0.norm``, ``layer0.q``, ``layer0.k``, ``layer0.v``, ``layer0.weights``, ``layer0.mixed``, ``layer0.norm2``,
    ``layer0.hidden``, and ``x`` before lm_head. Norms, softmax and the residual stream are never given to it.
    """
    length = tokens.shape[1]
    split = (*tokens.shape, config.n_head, config.head_dim)
    future = np.triu(np.ones((length, length), dtype=bool), 1)
    x: Array = rmsnorm(tensors["wte"][tokens] + tensors["wpe"][:length])  # [name, position, n_embd]
    for layer in range(config.n_layer):
        at = f"layer{layer}."
        normed = seen(at + "norm", rmsnorm(x))
        # [name, head, position, head_dim]
        q, k, v = (
            seen(at + name, (normed @ tensors[f"{at}w{name}"].T).reshape(split).swapaxes(1, 2)) for name in "qkv"
        )
        scores = q @ k.swapaxes(2, 3) * x.dtype.type(config.head_dim**-0.5)
        weights = seen(at + "weights", softmax(np.where(future, x.dtype.type(-np.inf), scores)))
        mixed = seen(at + "mixed", (weights @ v).swapaxes(1, 2).reshape(x.shape))
        x = x + mixed @ tensors[at + "wo"].T
        hidden = np.maximum(seen(at + "norm2", rmsnorm(x)) @ tensors[at + "fc1"].T, 0)
        x = x + seen(at + "hidden", hidden) @ tensors[at + "fc2"].T
    return np.asarray(seen("x", x) @ tensors["lm_head"].T)
