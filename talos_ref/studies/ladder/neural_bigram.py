"""Step 2, learning: the same table by gradient descent, with a gradient derived by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from talos_ref.golden.float_ops import softmax
from talos_ref.model.config import ModelConfig
from talos_ref.studies.ladder.counting_bigram import bigram_counts, mean_nll
from talos_ref.studies.ladder.tensor import Array
from talos_ref.studies.ladder.trained import SEED, OnProgress, Trained

__all__ = ["RATE", "STEPS", "first_table", "gradient", "train"]

STEPS = 200
RATE = 50.0
"""Steep, since the gradient is a mean over all pairs."""


def first_table(config: ModelConfig) -> Array:
    """Return logits of the next token by token, near 0: [token, next]."""
    return np.random.default_rng(SEED).normal(0, 0.01, (config.vocab_size, config.vocab_size))


def gradient(table: Array, counts: Array) -> Array:
    """Return the gradient of the mean of ``−ln softmax(table[a])[b]`` over all pairs (a, b) counted.

    That of one pair is ``softmax(table[a])``, less 1 at b, in row a. Pairs that are alike have the same, so that their
    count stands for them.
    """
    seen = counts.sum(axis=1, keepdims=True)
    return np.asarray((seen * softmax(table) - counts) / counts.sum())


def train(words: Sequence[str], config: ModelConfig, on_progress: OnProgress, steps: int = STEPS) -> Trained:
    """Return the table after ``steps`` steps down the gradient of all words."""
    counts, table = bigram_counts(words, config), first_table(config)
    for step in range(steps):
        table = table - RATE * gradient(table, counts)
        on_progress(step + 1, mean_nll(counts, np.log(softmax(table))))
    nll = mean_nll(counts, np.log(softmax(table)))
    return Trained(nll=nll, parameters=table.size, next_logits=lambda tokens: table[tokens[-1]])
