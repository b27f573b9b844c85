"""Step 4, a hidden layer: the next letter from the last three, each with an embedding (Bengio et al., 2003)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from talos_ref.model.config import ModelConfig
from talos_ref.studies.ladder.functions import cross_entropy, tanh
from talos_ref.studies.ladder.tensor import Array, Indices, Tensor, add, linear, reshape, rows
from talos_ref.studies.ladder.trained import SEED, OnProgress, Trained

__all__ = ["CONTEXT", "STEPS", "contexts", "first_parameters", "forward", "train"]

CONTEXT, EMBEDDING, HIDDEN = 3, 10, 64
STEPS, BATCH = 30_000, 64
RATE = 0.1
"""Of gradient descent; a tenth of it in the last third."""


def contexts(words: Sequence[str], config: ModelConfig) -> tuple[Indices, Indices]:
    """Return the three tokens [prediction, 3] before each letter and each end of a word, and these [prediction]."""
    before, wanted = [], []
    for word in words:
        tokens = [config.bos] * CONTEXT + config.encode(word) + [config.bos]
        for end in range(CONTEXT, len(tokens)):
            before.append(tokens[end - CONTEXT : end])
            wanted.append(tokens[end])
    return np.array(before), np.array(wanted)


def first_parameters(config: ModelConfig, rng: np.random.Generator) -> dict[str, Tensor]:
    """Return 4,009 parameters for 26 letters: normal ones, the biases 0.

    The first layer's deviation is 5/3 over the root of its inputs, which keeps tanh's outputs as large as its inputs
    (He et al., 2015); the second's is small, so that training begins with no preference.
    """
    inputs, vocab = CONTEXT * EMBEDDING, config.vocab_size
    return {
        "embedding": Tensor(rng.normal(0, 0.1, (vocab, EMBEDDING))),
        "hidden": Tensor(rng.normal(0, 5 / 3 * inputs**-0.5, (HIDDEN, inputs))),
        "hidden bias": Tensor(np.zeros(HIDDEN)),
        "out": Tensor(rng.normal(0, 0.01, (vocab, HIDDEN))),
        "out bias": Tensor(np.zeros(vocab)),
    }


def forward(p: dict[str, Tensor], before: Indices) -> Tensor:
    """Return logits [prediction, vocab] of contexts [prediction, 3]."""
    x = reshape(rows(p["embedding"], before), len(before), CONTEXT * EMBEDDING)
    hidden = tanh(add(linear(x, p["hidden"]), p["hidden bias"]))
    return add(linear(hidden, p["out"]), p["out bias"])


def train(words: Sequence[str], config: ModelConfig, on_progress: OnProgress, steps: int = STEPS) -> Trained:
    """Return the model after ``steps`` steps, each on 64 predictions drawn from all."""
    rng = np.random.default_rng(SEED)
    before, wanted = contexts(words, config)
    p = first_parameters(config, rng)
    for step in range(steps):
        batch = rng.integers(0, len(wanted), BATCH)
        loss = cross_entropy(forward(p, before[batch]), wanted[batch])
        loss.backward()
        rate = RATE if step < steps * 2 // 3 else RATE / 10
        for tensor in p.values():
            tensor.value = tensor.value - rate * tensor.gradient
        on_progress(step + 1, float(loss.value))

    def next_logits(tokens: list[int]) -> Array:
        last = [config.bos] * (CONTEXT - 1) + tokens
        return np.asarray(forward(p, np.array([last[-CONTEXT:]])).value[0])

    total = 0.0
    for start in range(0, len(wanted), 8192):
        part = slice(start, start + 8192)
        total += float(cross_entropy(forward(p, before[part]), wanted[part]).value) * len(wanted[part])
    size = sum(tensor.value.size for tensor in p.values())
    return Trained(nll=total / len(wanted), parameters=size, next_logits=next_logits)
