"""Step 3, autograd: step 2 again, and nobody derives its gradient."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from talos_ref.model.config import ModelConfig
from talos_ref.studies.ladder.counting_bigram import bigram_counts
from talos_ref.studies.ladder.functions import cross_entropy
from talos_ref.studies.ladder.neural_bigram import RATE, STEPS, first_table
from talos_ref.studies.ladder.tensor import Tensor, rows
from talos_ref.studies.ladder.trained import OnProgress, Trained

__all__ = ["STEPS", "train"]


def train(words: Sequence[str], config: ModelConfig, on_progress: OnProgress, steps: int = STEPS) -> Trained:
    """Return the table after ``steps`` steps, which is that of `neural_bigram.train`."""
    counts, table = bigram_counts(words, config), Tensor(first_table(config))
    first, second = np.nonzero(counts)
    shares = counts[first, second] / counts.sum()

    def loss() -> Tensor:
        return cross_entropy(rows(table, first), second, shares)

    for step in range(steps):
        now = loss()
        now.backward()
        table.value = table.value - RATE * table.gradient
        on_progress(step + 1, float(now.value))
    return Trained(
        nll=float(loss().value), parameters=table.value.size, next_logits=lambda tokens: table.value[tokens[-1]]
    )
