"""Training by the published microgpt recipe, with hand-derived gradients in float64 NumPy."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from talos_ref.golden.float_ops import rms_scale, softmax
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig
from talos_ref.model.portable_float import exp, matmul
from talos_ref.model.words import check_words, word_tokens

__all__ = ["MAX_STEPS", "SEED", "STEPS", "Parameters", "initialise", "loss_and_gradients", "train_words"]

Array = npt.NDArray[np.float64]
Parameters = dict[str, Array]

STEPS = 1000
MAX_STEPS = 10_000_000
SEED = 42
DEVIATION = 0.08
LEARNING_RATE = 0.01
BETA1, BETA2, ADAM_EPS = 0.85, 0.99, 1e-8


def initialise(
    words: Sequence[str], config: ModelConfig, seed: int = SEED
) -> tuple[list[str], Parameters, random.Random]:
    """Return the shuffled words, the parameters before step 0, and the generator in the state this leaves it in.

    ``random.Random(seed)``: one shuffle, then ``gauss(0, 0.08)`` for each parameter, row by row, in the order of
    ``config.shapes()`` (Karpathy, microgpt.py).
    """
    rng = random.Random(seed)
    shuffled = list(words)
    rng.shuffle(shuffled)
    parameters = {
        name: np.array([[rng.gauss(0, DEVIATION) for _ in range(columns)] for _ in range(rows)])
        for name, (rows, columns) in config.shapes().items()
    }
    return shuffled, parameters, rng


@cache
def _future(count: int) -> npt.NDArray[np.bool_]:
    """Return which positions (columns) come after a position (row)."""
    return np.triu(np.ones((count, count), dtype=bool), 1)


def _rmsnorm(x: Array) -> tuple[Array, Array]:
    scale = rms_scale(x)
    return x * scale, scale


def _rmsnorm_backward(dy: Array, y: Array, scale: Array) -> Array:
    projection: Array = (dy * y).sum(axis=-1, keepdims=True) / y.shape[-1]
    return scale * (dy - y * projection)


def _split_heads(x: Array, config: ModelConfig) -> Array:
    heads: Array = x.reshape(len(x), config.n_head, config.head_dim).transpose(1, 0, 2)  # [head, T, head_dim]
    return heads


def _join_heads(x: Array) -> Array:
    joined: Array = x.transpose(1, 0, 2).reshape(x.shape[1], -1)  # [T, n_embd]
    return joined


def loss_and_gradients(parameters: Parameters, tokens: Sequence[int], config: ModelConfig) -> tuple[float, Parameters]:
    """Return the mean cross-entropy in nats of predicting ``tokens[1:]`` from ``tokens[:-1]``, and its gradients.

    Every matrix maps columns to rows, so ``y = x Wᵀ``, ``dx = dy W`` and ``dW = dyᵀ x`` with positions as rows.
    """
    p = parameters
    inputs, targets = np.array(tokens[:-1]), np.array(tokens[1:])
    count = len(inputs)
    root = config.head_dim**-0.5
    future = _future(count)

    x, scale0 = _rmsnorm(p["wte"][inputs] + p["wpe"][:count])  # [T, n_embd]
    first = x
    saved = []
    for layer in range(config.n_layer):
        w = {name: p[f"layer{layer}.{name}"] for name in ("wq", "wk", "wv", "wo", "fc1", "fc2")}
        n1, scale1 = _rmsnorm(x)
        q, k, v = (_split_heads(matmul(n1, w[name].T), config) for name in ("wq", "wk", "wv"))
        weights = softmax(np.where(future, -np.inf, matmul(q, k.transpose(0, 2, 1)) * root), exp)  # [head, T, T]
        mixed = _join_heads(matmul(weights, v))
        x = x + matmul(mixed, w["wo"].T)
        n2, scale2 = _rmsnorm(x)
        hidden = np.maximum(matmul(n2, w["fc1"].T), 0.0)
        x = x + matmul(hidden, w["fc2"].T)
        saved.append((w, n1, scale1, q, k, v, weights, mixed, n2, scale2, hidden))
    probabilities = softmax(matmul(x, p["lm_head"].T), exp)  # [T, vocab]
    loss = float(-np.log(probabilities[np.arange(count), targets]).mean())

    g: Parameters = {}
    dlogits = probabilities.copy()
    dlogits[np.arange(count), targets] -= 1.0
    dlogits /= count
    g["lm_head"] = matmul(dlogits.T, x)
    dx = matmul(dlogits, p["lm_head"])
    for layer in reversed(range(config.n_layer)):
        w, n1, scale1, q, k, v, weights, mixed, n2, scale2, hidden = saved[layer]
        at = f"layer{layer}."
        g[at + "fc2"] = matmul(dx.T, hidden)
        dhidden = matmul(dx, w["fc2"]) * (hidden > 0)
        g[at + "fc1"] = matmul(dhidden.T, n2)
        dx = dx + _rmsnorm_backward(matmul(dhidden, w["fc1"]), n2, scale2)
        g[at + "wo"] = matmul(dx.T, mixed)
        dmixed = _split_heads(matmul(dx, w["wo"]), config)
        dweights = matmul(dmixed, v.transpose(0, 2, 1))
        dscores = weights * (dweights - (dweights * weights).sum(axis=-1, keepdims=True)) * root
        dq, dk = _join_heads(matmul(dscores, k)), _join_heads(matmul(dscores.transpose(0, 2, 1), q))
        dv = _join_heads(matmul(weights.transpose(0, 2, 1), dmixed))
        for name, gradient in (("wq", dq), ("wk", dk), ("wv", dv)):
            g[at + name] = matmul(gradient.T, n1)
        dx = dx + _rmsnorm_backward(matmul(dq, w["wq"]) + matmul(dk, w["wk"]) + matmul(dv, w["wv"]), n1, scale1)
    dx = _rmsnorm_backward(dx, first, scale0)
    g["wte"], g["wpe"] = np.zeros_like(p["wte"]), np.zeros_like(p["wpe"])
    np.add.at(g["wte"], inputs, dx)
    g["wpe"][:count] = dx
    return loss, g


def _adam(parameters: Array, gradient: Array, moments: tuple[Array, Array], step: int, rate: float) -> None:
    """Move ``parameters`` and ``moments`` by one step of Adam, both moments bias corrected."""
    first, second = moments
    first *= BETA1
    first += (1 - BETA1) * gradient
    second *= BETA2
    second += (1 - BETA2) * gradient * gradient
    m = first / (1 - BETA1 ** (step + 1))
    v = second / (1 - BETA2 ** (step + 1))
    parameters -= rate * m / (np.sqrt(v) + ADAM_EPS)


def _views(flat: Array, config: ModelConfig) -> Parameters:
    """Return the tensors of ``config`` as views of one array, in their order."""
    views, start = {}, 0
    for name, (rows, columns) in config.shapes().items():
        views[name] = flat[start : start + rows * columns].reshape(rows, columns)
        start += rows * columns
    return views


def train_words(
    words: Sequence[str],
    config: ModelConfig,
    steps: int = STEPS,
    seed: int = SEED,
    on_progress: Callable[[int, float], None] | None = None,
    *,
    truncate: bool = False,
) -> Checkpoint:
    """Return the checkpoint after ``steps`` steps: step i learns word i (shuffled, from the start again at the end).

    Adam, learning rate ``0.01 · (1 − i/steps)``, betas 0.85 and 0.99, eps 1e-8; tokens are those of
    `words.word_tokens`.

    Parameters
    ----------
    on_progress
        Called after each step with the number of steps done and that step's loss in nats per prediction.
    truncate
        Whether words too long for the block are taken, and cut; they are refused otherwise.

    Raises TypeError or ValueError if ``steps`` is not a positive integer, and WordListError if there are no words or a
    word does not fit ``config``.
    """
    for name, value in (("steps", steps), ("seed", seed)):
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{name} must be an integer, not {value!r}")
    if not 1 <= steps <= MAX_STEPS:
        raise ValueError(f"steps must be 1 to {MAX_STEPS}, not {steps!r}")
    check_words(words, config, truncate)
    shuffled, drawn, _ = initialise(words, config, seed)
    # One array for all tensors: a step of Adam is then a dozen operations, not a dozen a tensor.
    flat = np.concatenate([value.ravel() for value in drawn.values()])
    gradient, moments = np.empty_like(flat), (np.zeros_like(flat), np.zeros_like(flat))
    parameters, order = _views(flat, config), list(config.shapes())
    for step in range(steps):
        loss, gradients = loss_and_gradients(parameters, word_tokens(shuffled[step % len(shuffled)], config), config)
        np.concatenate([gradients[name].ravel() for name in order], out=gradient)
        _adam(flat, gradient, moments, step, LEARNING_RATE * (1 - step / steps))
        if on_progress is not None:
            on_progress(step + 1, loss)
    return Checkpoint(config, {name: value.astype(np.float32) for name, value in parameters.items()})
