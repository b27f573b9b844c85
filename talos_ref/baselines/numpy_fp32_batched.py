"""The model in NumPy single precision, many names side by side: what a CPU gains from batching."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from talos_ref.baselines.seeds import seeds_of
from talos_ref.golden.float_ops import rmsnorm, softmax
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig

__all__ = ["generate"]

Array = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
STREAMS = 1024
"""Names side by side: their keys, values and hidden units still fit a level-2 cache."""


def _step(
    p: dict[str, Array], config: ModelConfig, tokens: Integers, position: int, keys: Array, values: Array
) -> Array:
    """Return logits [name, vocab]; this position joins keys and values [layer, name, head, position, head_dim]."""
    heads = (len(tokens), config.n_head, config.head_dim)
    root = np.float32(config.head_dim**-0.5)
    x = rmsnorm(p["wte"][tokens] + p["wpe"][position])  # [name, n_embd]
    for layer in range(config.n_layer):
        at = f"layer{layer}."
        normed = rmsnorm(x)
        keys[layer, :, :, position] = (normed @ p[at + "wk"].T).reshape(heads)
        values[layer, :, :, position] = (normed @ p[at + "wv"].T).reshape(heads)
        query = (normed @ p[at + "wq"].T).reshape(heads)
        k, v = keys[layer, :, :, : position + 1], values[layer, :, :, : position + 1]
        weights = softmax((k * query[:, :, None, :]).sum(axis=-1) * root)  # [name, head, position]
        mixed = (weights[..., None] * v).sum(axis=2).reshape(x.shape)
        x = x + mixed @ p[at + "wo"].T
        x = x + np.maximum(rmsnorm(x) @ p[at + "fc1"].T, np.float32(0)) @ p[at + "fc2"].T
    return np.asarray(x @ p["lm_head"].T)


def _xorshift32(state: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    state = state ^ (state << np.uint32(13))
    state = state ^ (state >> np.uint32(17))
    return state ^ (state << np.uint32(5))


def _side_by_side(p: dict[str, Array], config: ModelConfig, seeds: range, temperature: np.float32) -> list[list[int]]:
    names: list[list[int]] = [[] for _ in seeds]
    running = np.arange(len(seeds))
    rng = np.array(seeds, dtype=np.uint32)
    tokens = np.full(len(seeds), config.bos)
    keys = np.zeros((config.n_layer, len(seeds), config.n_head, config.block_size, config.head_dim), dtype=np.float32)
    values = np.zeros_like(keys)
    for position in range(config.max_letters):
        logits = _step(p, config, tokens, position, keys, values)
        rng = _xorshift32(rng)
        cumulative = softmax(logits / temperature).cumsum(axis=-1)
        threshold = (rng & np.uint32(0xFFFFFF)) / 16777216
        # Rounding can leave the sum a hair below a threshold of almost 1.
        tokens = np.minimum((cumulative <= threshold[:, None]).sum(axis=-1), config.bos)
        going = tokens != config.bos
        for index, token in zip(running[going].tolist(), tokens[going].tolist(), strict=True):
            names[index].append(token)
        running, tokens, rng, keys, values = running[going], tokens[going], rng[going], keys[:, going], values[:, going]
        if not len(running):
            break
    return names


def generate(checkpoint: Checkpoint, seed: int, temperature: float, count: int) -> list[list[int]]:
    """Return ``count`` names in single precision, as the package says; raises as `seeds.seeds_of`."""
    seeds = seeds_of(seed, temperature, count)
    parameters = dict(checkpoint.tensors)
    names: list[list[int]] = []
    for start in range(0, count, STREAMS):
        names += _side_by_side(parameters, checkpoint.config, seeds[start : start + STREAMS], np.float32(temperature))
    return names
