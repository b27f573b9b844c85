"""Softmax of ``talos-v2``: from scores to weights, in the parts that attention's two passes need."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal, Value, signed

from hdl.units.exp import step_weight
from hdl.units.format import saturate, shape_of
from talos_ref.golden.attention import StepAttention

__all__ = ["StepSoftmax"]


class StepSoftmax:
    """``weights`` of ``talos_ref.golden.attention.StepAttention``, as ``Softmax``.

    A score is stored as it is, and its distance from the largest score is looked up.
    """

    def __init__(self, spec: StepAttention) -> None:
        self.spec = spec
        self.score_shape = self.stored_shape = self.key_shape = shape_of(spec.word)

    def score(self, total: Value) -> Value:
        """Return the score of a Q.24 sum."""
        return saturate(total >> self.spec.score_shift, self.spec.word)

    def key(self, score: Value) -> Value:
        """Return the part of a score that is compared to find the largest: all of it."""
        return score

    def store(self, m: Module, score: Value) -> Any:
        """Return what is kept of a score."""
        return score

    def weight(self, m: Module, stored: Any, top: Value) -> Value:
        """Return the weight where the largest key is ``top``."""
        # ``511 - (stored - top)`` with one difference behind what chooses the score.
        above = Signal(signed(len(top) + 1), name="above_top", attrs={"keep": 1})
        below = Signal(signed(len(top) + 2), name="below_top")
        m.d.comb += [above.eq(top + 511), below.eq(above - stored)]
        return step_weight(m, self.spec.exp, below)
