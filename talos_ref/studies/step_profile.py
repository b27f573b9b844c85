"""Where the time of one step goes in NumPy: the matrix kernels are a small part of it.

The step is that of `baselines.numpy_fp32`, in single precision, with a function for each kind of work, so that
cProfile can tell them apart: it sees calls, but no operators.
"""

from __future__ import annotations

import cProfile
import math
import pstats
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from talos_ref.golden.float_ops import NORM_EPS
from talos_ref.golden.xorshift32 import xorshift32
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig

__all__ = ["PUBLISHED_KERNEL_SHARE", "ProfileRow", "StepProfile", "generate", "kernel_seconds", "profile_step"]

Array = npt.NDArray[np.float32]
PUBLISHED_KERNEL_SHARE = 0.04
"""Of a step's time in NumPy (https://github.com/NakliTechie/micro-gpt, benchmark/results.md), which counted einsum."""
STACK = 2000
"""Products made by one call, so that the call costs nothing a product."""
RUNS = 50
"""Times that everything is timed; the shortest counts, since other work on the machine only makes it longer."""


@dataclass(frozen=True, kw_only=True)
class ProfileRow:
    """A function and the time in it, less that in what it calls."""

    function: str
    calls: float
    """A step."""
    microseconds: float
    """A step, under cProfile."""
    share: float
    """Of all time under cProfile."""


@dataclass(frozen=True, kw_only=True)
class StepProfile:
    """One step, measured."""

    rows: tuple[ProfileRow, ...]
    """Most time first."""
    steps: int
    """Profiled."""
    profiled_microseconds: float
    """A step under cProfile, which makes calls slower."""
    plain_microseconds: float
    """A step without it."""
    kernel_microseconds: float
    """Of the same products made many at a time: the multiplications and additions, without a call for each."""

    @property
    def kernel_share(self) -> float:
        """Of the plain step."""
        return self.kernel_microseconds / self.plain_microseconds

    @property
    def product_share(self) -> float:
        """Of a step under cProfile, for the products with weights and all that NumPy does to make them."""
        return sum(row.share for row in self.rows if row.function == _product.__name__)


def _embed(p: dict[str, Array], token: int, position: int) -> Array:
    return np.asarray(p["wte"][token] + p["wpe"][position])


def _norm(x: Array) -> Array:
    return np.asarray(x / np.sqrt(x @ x / np.float32(len(x)) + np.float32(NORM_EPS)))


def _product(w: Array, x: Array) -> Array:
    return np.asarray(w @ x)


def _attend(q: Array, k: Array, v: Array, root: np.float32) -> Array:
    weights = _softmax((k @ q[:, :, None])[:, :, 0] * root)  # [head, position]
    return np.asarray((weights[:, None, :] @ v).ravel())


def _softmax(x: Array) -> Array:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def _add(x: Array, y: Array) -> Array:
    return x + y


def _relu(x: Array) -> Array:
    return np.asarray(np.maximum(x, np.float32(0)))


def _step(p: dict[str, Array], config: ModelConfig, token: int, position: int, keys: Array, values: Array) -> Array:
    heads, root = (config.n_head, config.head_dim), np.float32(config.head_dim**-0.5)
    x = _norm(_embed(p, token, position))
    for layer in range(config.n_layer):
        at = f"layer{layer}."
        normed = _norm(x)
        keys[layer, :, position] = _product(p[at + "wk"], normed).reshape(heads)
        values[layer, :, position] = _product(p[at + "wv"], normed).reshape(heads)
        query = _product(p[at + "wq"], normed).reshape(heads)
        attended = _attend(query, keys[layer, :, : position + 1], values[layer, :, : position + 1], root)
        x = _add(x, _product(p[at + "wo"], attended))
        x = _add(x, _product(p[at + "fc2"], _relu(_product(p[at + "fc1"], _norm(x)))))
    return _product(p["lm_head"], x)


def _draw(logits: Array, rng: int, temperature: np.float32) -> int:
    cumulative = _softmax(logits / temperature).cumsum()
    # Rounding can leave the sum a hair below a threshold of almost 1.
    return min(int(cumulative.searchsorted((rng & 0xFFFFFF) / 16777216, side="right")), len(logits) - 1)


def generate(checkpoint: Checkpoint, seeds: Sequence[int], temperature: float) -> list[list[int]]:
    """Return a name a seed, those of `numpy_fp32.generate`."""
    config, p, divisor = checkpoint.config, dict(checkpoint.tensors), np.float32(temperature)
    names = []
    for rng in seeds:
        keys = np.zeros((config.n_layer, config.n_head, config.block_size, config.head_dim), dtype=np.float32)
        values, token, name = np.zeros_like(keys), config.bos, list[int]()
        while len(name) < config.max_letters:
            logits = _step(p, config, token, len(name), keys, values)
            rng = xorshift32(rng)
            token = _draw(logits, rng, divisor)
            if token == config.bos:
                break
            name.append(token)
        names.append(name)
    return names


def kernel_seconds(checkpoint: Checkpoint) -> float:
    """Return the time of all of a step's products of a matrix of weights and a vector, made ``STACK`` at a time."""
    total = 0.0
    for name, tensor in checkpoint.tensors.items():
        if name in ("wte", "wpe"):
            continue
        stack = np.repeat(tensor[None], STACK, axis=0)
        vectors = np.ones((STACK, tensor.shape[1], 1), dtype=np.float32)
        total += _shortest(lambda stack=stack, vectors=vectors: stack @ vectors) / STACK
    return total


def _shortest(work: Any) -> float:
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def _function(where: tuple[str, int, str]) -> str:
    """Return how a function is called: of ours the name alone, of other files with the file, of C as cProfile does."""
    file, _, name = where
    if file == "~":
        return name.strip("<>{}").removeprefix("built-in method ")
    return name if Path(file) == Path(__file__) else f"{Path(file).name}: {name}"


def _profiled(
    checkpoint: Checkpoint, seeds: Sequence[int], temperature: float
) -> tuple[float, list[tuple[tuple[str, int, str], int, float]]]:
    """Return the time of one run under cProfile, and of each function the calls and the time."""
    profiler = cProfile.Profile()
    profiler.runcall(generate, checkpoint, seeds, temperature)
    stats: Any = pstats.Stats(profiler)
    found = [(where, calls, own) for where, (_, calls, own, _, _) in stats.stats.items()]
    return math.fsum(own for _, _, own in found), found


def profile_step(checkpoint: Checkpoint, seeds: Sequence[int], temperature: float = 0.5) -> StepProfile:
    """Return where the time goes while names are made, one a seed."""
    names = generate(checkpoint, seeds, temperature)
    steps = sum(min(len(name) + 1, checkpoint.config.max_letters) for name in names)
    plain = _shortest(lambda: generate(checkpoint, seeds, temperature))
    total, found = min((_profiled(checkpoint, seeds, temperature) for _ in range(RUNS)), key=lambda run: run[0])
    merged: dict[str, tuple[int, float]] = {}
    for where, calls, own in found:
        before = merged.get(_function(where), (0, 0.0))
        merged[_function(where)] = before[0] + calls, before[1] + own
    rows = [
        ProfileRow(function=name, calls=calls / steps, microseconds=1e6 * own / steps, share=own / total)
        for name, (calls, own) in merged.items()
    ]
    return StepProfile(
        rows=tuple(sorted(rows, key=lambda row: -row.microseconds)),
        steps=steps,
        profiled_microseconds=1e6 * total / steps,
        plain_microseconds=1e6 * plain / steps,
        kernel_microseconds=1e6 * kernel_seconds(checkpoint),
    )
