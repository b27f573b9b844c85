"""What a step of the ladder leaves: its model, and how well that predicts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from talos_ref.model.checkpoint import Checkpoint
from talos_ref.studies.samples import NextLogits

__all__ = ["SEED", "OnProgress", "Trained"]

SEED = 42
OnProgress = Callable[[int, float], None]
"""Called with the steps done and the loss of the last, nats a character."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A model after its training."""

    nll: float
    """Mean negative log likelihood of the words that it was trained on, nats a character."""
    parameters: int
    next_logits: NextLogits
    validation_nll: float | None = None
    """The same of words that it has not seen, where some were kept back."""
    checkpoint: Checkpoint | None = None
    """The model as a circuit takes it, where it is of that kind."""
