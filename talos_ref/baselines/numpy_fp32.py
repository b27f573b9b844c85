"""The model in NumPy single precision, one name at a time: the usual CPU row."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from talos_ref.baselines.seeds import seeds_of
from talos_ref.golden.float_ops import NORM_EPS, softmax
from talos_ref.golden.xorshift32 import xorshift32
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig

__all__ = ["generate"]

Array = npt.NDArray[np.float32]


def _rmsnorm(x: Array) -> Array:
    # On one short vector a dot product is faster than a sum along an axis.
    return np.asarray(x / np.sqrt(x @ x / np.float32(len(x)) + np.float32(NORM_EPS)))


def _step(p: dict[str, Array], config: ModelConfig, token: int, position: int, keys: Array, values: Array) -> Array:
    """Return the logits; keys and values are [layer, head, position, head_dim] and gain this position."""
    heads = (config.n_head, config.head_dim)
    root = np.float32(config.head_dim**-0.5)
    x = _rmsnorm(p["wte"][token] + p["wpe"][position])  # [n_embd]
    for layer in range(config.n_layer):
        at = f"layer{layer}."
        normed = _rmsnorm(x)
        keys[layer, :, position] = (p[at + "wk"] @ normed).reshape(heads)
        values[layer, :, position] = (p[at + "wv"] @ normed).reshape(heads)
        query = (p[at + "wq"] @ normed).reshape(*heads, 1)
        k, v = keys[layer, :, : position + 1], values[layer, :, : position + 1]
        weights = softmax((k @ query)[:, :, 0] * root)  # [head, position]
        x = x + p[at + "wo"] @ (weights[:, None, :] @ v).ravel()
        x = x + p[at + "fc2"] @ np.maximum(p[at + "fc1"] @ _rmsnorm(x), np.float32(0))
    return np.asarray(p["lm_head"] @ x)


def generate(checkpoint: Checkpoint, seed: int, temperature: float, count: int) -> list[list[int]]:
    """Return ``count`` names in single precision, as the package says; raises as `seeds.seeds_of`."""
    seeds = seeds_of(seed, temperature, count)
    config = checkpoint.config
    parameters = dict(checkpoint.tensors)
    divisor = np.float32(temperature)
    names = []
    for rng in seeds:
        keys = np.zeros((config.n_layer, config.n_head, config.block_size, config.head_dim), dtype=np.float32)
        values = np.zeros_like(keys)
        token, name = config.bos, list[int]()
        while len(name) < config.max_letters:
            logits = _step(parameters, config, token, len(name), keys, values)
            rng = xorshift32(rng)
            cumulative = softmax(logits / divisor).cumsum()
            # Rounding can leave the sum a hair below a threshold of almost 1.
            token = min(int(cumulative.searchsorted((rng & 0xFFFFFF) / 16777216, side="right")), config.bos)
            if token == config.bos:
                break
            name.append(token)
        names.append(name)
    return names
