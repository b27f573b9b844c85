"""How well the model predicts the words, in floating point and in the core's arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hdl.design import Design
from talos_ref.golden.float_model import FloatModel
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.studies.nll import mean_nll
from talos_ref.studies.quality import fixed_quality

__all__ = ["Accuracy", "measure"]


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """Means in nats a character."""

    nll_float: float
    """Negative log likelihood of the float64 model."""
    nll_fixed: float
    """The same of the core's arithmetic."""
    kl: float
    """KL(float64 ‖ fixed)."""
    words: int
    characters: int
    """Predictions that were measured, the end of each word included."""


def measure(design: Design, words: Sequence[str]) -> Accuracy:
    """Return what fixed point costs on some words."""
    checkpoint = design.checkpoint
    fixed = fixed_quality(words, checkpoint, IntegerModel(checkpoint, design.arithmetic))
    exact = mean_nll(words, checkpoint.config, FloatModel(checkpoint).batched_logits)
    return Accuracy(
        nll_float=exact, nll_fixed=fixed.nll, kl=fixed.kl, words=len(words), characters=fixed.characters
    )
