"""Step 1, counting: how often each token follows each other one. Nothing is learnt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from talos_ref.model.config import ModelConfig
from talos_ref.studies.ladder.tensor import Array
from talos_ref.studies.ladder.trained import OnProgress, Trained

__all__ = ["STEPS", "bigram_counts", "mean_nll", "train"]

STEPS = 1
SMOOTHING = 1
"""Added to every count, so that no pair is impossible (Laplace)."""


def bigram_counts(words: Sequence[str], config: ModelConfig) -> Array:
    """Return how often token b follows token a, [a, b], in words with BOS before and after each."""
    counts = np.zeros((config.vocab_size, config.vocab_size))
    for word in words:
        tokens = [config.bos, *config.encode(word), config.bos]
        np.add.at(counts, (tokens[:-1], tokens[1:]), 1)
    return counts


def mean_nll(counts: Array, log_probabilities: Array) -> float:
    """Return the mean of ``−ln p(b | a)`` over all pairs counted, nats."""
    return float(-(counts * log_probabilities).sum() / counts.sum())


def train(words: Sequence[str], config: ModelConfig, on_progress: OnProgress, steps: int = STEPS) -> Trained:
    """Return ``p(b | a) = (count(a, b) + 1) / Σ (count(a, ·) + 1)``."""
    counts = bigram_counts(words, config)
    smoothed = counts + SMOOTHING
    log_probabilities = np.log(smoothed / smoothed.sum(axis=1, keepdims=True))
    nll = mean_nll(counts, log_probabilities)
    on_progress(steps, nll)
    return Trained(nll=nll, parameters=counts.size, next_logits=lambda tokens: log_probabilities[tokens[-1]])
