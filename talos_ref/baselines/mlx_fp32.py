"""The model in MLX, one name at a time, on MLX's default device; needs the package `mlx`, as nothing else here does."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from talos_ref.baselines.seeds import seeds_of
from talos_ref.golden.float_ops import NORM_EPS
from talos_ref.golden.xorshift32 import xorshift32
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig

__all__ = ["generate"]


def _step(
    mx: Any, p: dict[str, Any], config: ModelConfig, token: int, position: int, keys: list[Any], values: list[Any]
) -> Any:
    """Return the logits; each layer's keys and values [position, head, head_dim] gain this position."""

    def rmsnorm(x: Any) -> Any:
        return x * mx.rsqrt(mx.mean(x * x) + NORM_EPS)

    heads = (config.n_head, config.head_dim)
    x = rmsnorm(p["wte"][token] + p["wpe"][position])  # [n_embd]
    for layer in range(config.n_layer):
        at = f"layer{layer}."
        normed = rmsnorm(x)
        key, value = (mx.reshape(p[at + name] @ normed, (1, *heads)) for name in ("wk", "wv"))
        keys[layer] = mx.concatenate([keys[layer], key]) if position else key
        values[layer] = mx.concatenate([values[layer], value]) if position else value
        query = mx.reshape(p[at + "wq"] @ normed, (1, *heads))
        scores = mx.sum(keys[layer] * query, axis=-1) * config.head_dim**-0.5  # [position, head]
        weights = mx.expand_dims(mx.softmax(scores, axis=0), -1)
        x = x + p[at + "wo"] @ mx.reshape(mx.sum(weights * values[layer], axis=0), (config.n_embd,))
        x = x + p[at + "fc2"] @ mx.maximum(p[at + "fc1"] @ rmsnorm(x), 0)
    return p["lm_head"] @ x


def generate(checkpoint: Checkpoint, seed: int, temperature: float, count: int) -> list[list[int]]:
    """Return ``count`` names in single precision, as the package says; raises as `seeds.seeds_of`.

    Raises ImportError without mlx.
    """
    mx = importlib.import_module("mlx.core")
    seeds, config = seeds_of(seed, temperature, count), checkpoint.config
    parameters = {name: mx.array(tensor) for name, tensor in checkpoint.tensors.items()}
    names = []
    for rng in seeds:
        keys, values = [None] * config.n_layer, [None] * config.n_layer
        token, name = config.bos, list[int]()
        while len(name) < config.max_letters:
            logits = _step(mx, parameters, config, token, len(name), keys, values)
            rng = xorshift32(rng)
            cumulative = np.array(mx.cumsum(mx.softmax(logits / temperature)))
            # Rounding can leave the sum a hair below a threshold of almost 1.
            token = min(int(cumulative.searchsorted((rng & 0xFFFFFF) / 16777216, side="right")), config.bos)
            if token == config.bos:
                break
            name.append(token)
        names.append(name)
    return names
