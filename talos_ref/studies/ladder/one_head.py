"""Step 5, attention: a transformer with one head, which sees up to 16 tokens, by stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from talos_ref.model.config import ModelConfig
from talos_ref.studies.ladder.functions import cross_entropy
from talos_ref.studies.ladder.gpt import Parameters, forward
from talos_ref.studies.ladder.stream import mean_nll, random_windows, stream_of
from talos_ref.studies.ladder.tensor import Array, Tensor
from talos_ref.studies.ladder.trained import SEED, OnProgress, Trained

__all__ = ["STEPS", "first_parameters", "next_logits", "train"]

STEPS = 5000
RATE = 0.05
"""A tenth of it in the last 30 % of the steps."""
_DEVIATIONS = {"wte": 0.1, "wpe": 0.02}


def first_parameters(config: ModelConfig, rng: np.random.Generator) -> Parameters:
    """Return normal parameters; a matrix has a deviation of one over the root of its columns, and so keeps lengths."""
    return {
        name: Tensor(rng.normal(0, _DEVIATIONS.get(name, shape[1] ** -0.5), shape))
        for name, shape in config.shapes().items()
    }


def next_logits(p: Parameters, config: ModelConfig, tokens: list[int]) -> Array:
    """Return the logits after the last of at most ``block_size`` tokens."""
    return np.asarray(forward(p, np.array([tokens]), config).value[0, -1])


def train(words: Sequence[str], config: ModelConfig, on_progress: OnProgress, steps: int = STEPS) -> Trained:
    """Return the model after ``steps`` steps, each on 32 windows of the words in random order."""
    config, rng = replace(config, n_head=1), np.random.default_rng(SEED)
    stream = stream_of(rng.permutation(list(words)).tolist(), config)
    p = first_parameters(config, rng)
    for step in range(steps):
        tokens, wanted = random_windows(stream, config.block_size, rng)
        loss = cross_entropy(forward(p, tokens, config), wanted)
        loss.backward()
        rate = RATE if step < 0.7 * steps else RATE / 10
        for tensor in p.values():
            tensor.value = tensor.value - rate * tensor.gradient
        on_progress(step + 1, float(loss.value))
    return Trained(
        nll=mean_nll(lambda tokens: forward(p, tokens, config), stream, config.block_size),
        parameters=sum(tensor.value.size for tensor in p.values()),
        next_logits=partial(next_logits, p, config),
    )
