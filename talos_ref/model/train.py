"""Training by the published microgpt recipe, with hand-derived gradients in float64 NumPy."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from talos_ref.files import check_writable
from talos_ref.golden.float_ops import rms_scale, softmax
from talos_ref.model.checkpoint import Checkpoint, save
from talos_ref.model.config import ModelConfig
from talos_ref.model.words import alphabet_of, check_words, load_names
from talos_ref.progress import progress_bar

__all__ = ["Parameters", "initialise", "loss_and_gradients", "train", "train_file"]

Array = npt.NDArray[np.float64]
Parameters = dict[str, Array]

STEPS = 1000
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


def _rmsnorm(x: Array) -> tuple[Array, Array]:
    scale = rms_scale(x)
    return x * scale, scale


def _rmsnorm_backward(dy: Array, y: Array, scale: Array) -> Array:
    projection: Array = (dy * y).mean(axis=-1, keepdims=True)
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
    future = np.triu(np.ones((count, count), dtype=bool), 1)

    x, scale0 = _rmsnorm(p["wte"][inputs] + p["wpe"][:count])  # [T, n_embd]
    first = x
    saved = []
    for layer in range(config.n_layer):
        w = {name: p[f"layer{layer}.{name}"] for name in ("wq", "wk", "wv", "wo", "fc1", "fc2")}
        n1, scale1 = _rmsnorm(x)
        q, k, v = (_split_heads(n1 @ w[name].T, config) for name in ("wq", "wk", "wv"))
        weights = softmax(np.where(future, -np.inf, q @ k.transpose(0, 2, 1) * root))  # [head, T, T]
        mixed = _join_heads(weights @ v)
        x = x + mixed @ w["wo"].T
        n2, scale2 = _rmsnorm(x)
        hidden = np.maximum(n2 @ w["fc1"].T, 0.0)
        x = x + hidden @ w["fc2"].T
        saved.append((w, n1, scale1, q, k, v, weights, mixed, n2, scale2, hidden))
    probabilities = softmax(x @ p["lm_head"].T)  # [T, vocab]
    loss = float(-np.log(probabilities[np.arange(count), targets]).mean())

    g: Parameters = {}
    dlogits = probabilities.copy()
    dlogits[np.arange(count), targets] -= 1.0
    dlogits /= count
    g["lm_head"] = dlogits.T @ x
    dx = dlogits @ p["lm_head"]
    for layer in reversed(range(config.n_layer)):
        w, n1, scale1, q, k, v, weights, mixed, n2, scale2, hidden = saved[layer]
        at = f"layer{layer}."
        g[at + "fc2"] = dx.T @ hidden
        dhidden = (dx @ w["fc2"]) * (hidden > 0)
        g[at + "fc1"] = dhidden.T @ n2
        dx = dx + _rmsnorm_backward(dhidden @ w["fc1"], n2, scale2)
        g[at + "wo"] = dx.T @ mixed
        dmixed = _split_heads(dx @ w["wo"], config)
        dweights = dmixed @ v.transpose(0, 2, 1)
        dscores = weights * (dweights - (dweights * weights).sum(axis=-1, keepdims=True)) * root
        dq, dk = _join_heads(dscores @ k), _join_heads(dscores.transpose(0, 2, 1) @ q)
        dv = _join_heads(weights.transpose(0, 2, 1) @ dmixed)
        g[at + "wq"], g[at + "wk"], g[at + "wv"] = dq.T @ n1, dk.T @ n1, dv.T @ n1
        dx = dx + _rmsnorm_backward(dq @ w["wq"] + dk @ w["wk"] + dv @ w["wv"], n1, scale1)
    dx = _rmsnorm_backward(dx, first, scale0)
    g["wte"], g["wpe"] = np.zeros_like(p["wte"]), np.zeros_like(p["wpe"])
    np.add.at(g["wte"], inputs, dx)
    g["wpe"][:count] = dx
    return loss, g


def train(
    words: Sequence[str],
    config: ModelConfig,
    *,
    steps: int = STEPS,
    seed: int = SEED,
    report: Callable[[int, str], None] | None = None,
) -> Checkpoint:
    """Return the checkpoint after ``steps`` steps: step i learns word i (shuffled, from the start again at the end).

    Adam, learning rate ``0.01 · (1 − i/steps)``, betas 0.85 and 0.99, eps 1e-8, both moments bias corrected; tokens are
    BOS + word + BOS. ``report(done, note)`` is called after each step. Raises TypeError or ValueError if ``steps`` is
    not a positive integer, there are no words, or a word does not fit ``config``.
    """
    for name, value in (("steps", steps), ("seed", seed)):
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{name} must be an integer, not {value!r}")
    if not 1 <= steps <= 10_000_000:
        raise ValueError(f"steps must be 1 to 10000000, not {steps!r}")
    check_words(words, config)
    shuffled, parameters, _ = initialise(words, config, seed)
    first = {name: np.zeros_like(value) for name, value in parameters.items()}
    second = {name: np.zeros_like(value) for name, value in parameters.items()}
    for step in range(steps):
        tokens = [config.bos, *config.encode(shuffled[step % len(shuffled)]), config.bos]
        loss, gradients = loss_and_gradients(parameters, tokens, config)
        rate = LEARNING_RATE * (1 - step / steps)
        for name, gradient in gradients.items():
            first[name] = BETA1 * first[name] + (1 - BETA1) * gradient
            second[name] = BETA2 * second[name] + (1 - BETA2) * gradient * gradient
            m = first[name] / (1 - BETA1 ** (step + 1))
            v = second[name] / (1 - BETA2 ** (step + 1))
            parameters[name] = parameters[name] - rate * m / (np.sqrt(v) + ADAM_EPS)
        if report is not None:
            report(step + 1, f"loss {loss:.3f}")
    return Checkpoint(config, {name: value.astype(np.float32) for name, value in parameters.items()})


def train_file(
    names: str | Path | None, out: str | Path, *, steps: int = STEPS, seed: int = SEED, **dimensions: int
) -> Checkpoint:
    """Train on a word list (as `names.load_names` finds it), write the checkpoint to ``out`` and return it.

    The alphabet is that of the file; ``dimensions`` are fields of ModelConfig. Draws a progress bar on a terminal.
    Raises OSError, before anything is trained, if the words cannot be had or ``out`` cannot be written; TypeError or
    ValueError as `names.read_words`, ModelConfig and `train`.
    """
    check_writable(out)
    words = load_names(names)
    config = ModelConfig(alphabet=alphabet_of(words), **dimensions)
    with progress_bar("train", steps) as report:
        checkpoint = train(words, config, steps=steps, seed=seed, report=report)
    save(checkpoint, out)
    return checkpoint
