"""The model in plain Python lists and floats, one name at a time: no library at all."""

from __future__ import annotations

import math

from talos_ref.baselines.seeds import seeds_of
from talos_ref.golden.xorshift32 import xorshift32
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig

__all__ = ["generate"]

Vector = list[float]
Matrix = list[Vector]
Cache = list[tuple[Matrix, Matrix]]
"""Keys and values of each layer, by position."""


def _linear(w: Matrix, x: Vector) -> Vector:
    return [sum(a * b for a, b in zip(row, x, strict=True)) for row in w]


def _rmsnorm(x: Vector) -> Vector:
    scale = (sum(a * a for a in x) / len(x) + 1e-5) ** -0.5
    return [a * scale for a in x]


def _softmax(x: Vector) -> Vector:
    top = max(x)
    weights = [math.exp(a - top) for a in x]
    total = sum(weights)
    return [weight / total for weight in weights]


def _add(x: Vector, y: Vector) -> Vector:
    return [a + b for a, b in zip(x, y, strict=True)]


def _attend(q: Vector, keys: Matrix, values: Matrix, config: ModelConfig) -> Vector:
    out: Vector = []
    for start in range(0, config.n_embd, config.head_dim):
        head = slice(start, start + config.head_dim)
        scores = [sum(a * b for a, b in zip(q[head], k[head], strict=True)) / config.head_dim**0.5 for k in keys]
        weights = _softmax(scores)
        columns = zip(*(v[head] for v in values), strict=True)
        out += [sum(w * a for w, a in zip(weights, column, strict=True)) for column in columns]
    return out


def _step(p: dict[str, Matrix], config: ModelConfig, token: int, position: int, cache: Cache) -> Vector:
    x = _rmsnorm(_add(p["wte"][token], p["wpe"][position]))
    for layer, (keys, values) in enumerate(cache):
        at = f"layer{layer}."
        normed = _rmsnorm(x)
        keys.append(_linear(p[at + "wk"], normed))
        values.append(_linear(p[at + "wv"], normed))
        x = _add(x, _linear(p[at + "wo"], _attend(_linear(p[at + "wq"], normed), keys, values, config)))
        hidden = [max(0.0, a) for a in _linear(p[at + "fc1"], _rmsnorm(x))]
        x = _add(x, _linear(p[at + "fc2"], hidden))
    return _linear(p["lm_head"], x)


def _draw(probabilities: Vector, rng: int) -> int:
    threshold, cumulative = (rng & 0xFFFFFF) / 16777216, 0.0
    for index, probability in enumerate(probabilities):
        cumulative += probability
        if cumulative > threshold:
            return index
    return probabilities.index(max(probabilities))


def generate(checkpoint: Checkpoint, seed: int, temperature: float, count: int) -> list[list[int]]:
    """Return ``count`` names in double precision, as the package says; raises as `seeds.seeds_of`."""
    config = checkpoint.config
    parameters: dict[str, Matrix] = {name: tensor.tolist() for name, tensor in checkpoint.tensors.items()}
    names = []
    for rng in seeds_of(seed, temperature, count):
        cache: Cache = [([], []) for _ in range(config.n_layer)]
        token, name = config.bos, list[int]()
        while len(name) < config.max_letters:
            logits = _step(parameters, config, token, len(name), cache)
            rng = xorshift32(rng)
            token = _draw(_softmax([logit / temperature for logit in logits]), rng)
            if token == config.bos:
                break
            name.append(token)
        names.append(name)
    return names
