"""From scores to attention weights, in the parts that attention's two passes need."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Shape, Value, signed
from amaranth.lib import data

from hdl.units.exp import exp2_align, exp2_exponent, exp2_mantissa, step_exp
from hdl.units.format import saturate, shape_of, shift_right
from talos_ref.golden.attention import Attention, Exp2Attention, StepAttention
from talos_ref.golden.format import Rounding

__all__ = ["Exp2Weigher", "StepWeigher", "weigher"]


class StepWeigher:
    """Weights of ``talos-v2``: a score is stored as it is, and its distance from the largest score is looked up.

    ``score`` is made of an exact ``q·k``; ``store`` of a score is kept until the largest ``key`` is known, and
    ``weight`` made of both. All combinational.
    """

    def __init__(self, spec: StepAttention) -> None:
        self.spec = spec
        self.score_shape = self.stored_shape = self.key_shape = shape_of(spec.word)

    def score(self, total: Value) -> Value:
        """Return the score of a Q.24 sum."""
        return saturate(total >> self.spec.score_shift, self.spec.word)

    def key(self, score: Value) -> Value:
        """Return what the largest of is sought."""
        return score

    def store(self, m: Module, score: Value) -> Any:
        """Return what is kept of a score."""
        return score

    def weight(self, m: Module, stored: Any, top: Value) -> Value:
        """Return the weight where the largest key is ``top``."""
        return step_exp(m, self.spec.exp, stored - top)


class Exp2Weigher:
    """Weights of ``precise``: mantissas are made beside the search for the largest exponent, and aligned after it.

    The parts are those of ``StepWeigher``.
    """

    def __init__(self, spec: Exp2Attention) -> None:
        self.spec, self.exp = spec, spec.exp
        growth = (spec.head_dim - 1).bit_length()
        # An exact sum of head_dim products of two words, less the fraction bits that a score does not keep.
        width = 2 * spec.word.width + growth - (2 * spec.word.fraction - spec.exp.fraction) + 1
        self.score_shape = signed(width)
        self.key_shape = signed(width - spec.exp.fraction)
        self.stored_shape = data.StructLayout({"mantissa": spec.exp.width, "exponent": self.key_shape})

    def score(self, total: Value) -> Value:
        """Return the exponent ``t`` of a Q.24 sum, Q.12."""
        return shift_right(total, 2 * self.spec.word.fraction - self.exp.fraction, Rounding.NEAREST)

    def key(self, score: Value) -> Value:
        """Return the integer part of ``t``."""
        return exp2_exponent(self.exp, score)

    def store(self, m: Module, score: Value) -> Any:
        """Return mantissa and integer part, as the bits of ``stored_shape``."""
        mantissa = exp2_mantissa(m, self.exp, score)
        return Cat(mantissa, self.key(score)[: Shape.cast(self.key_shape).width])

    def weight(self, m: Module, stored: Any, top: Value) -> Value:
        """Return the mantissa, shifted right by its distance from ``top``."""
        return exp2_align(m, self.exp, stored.mantissa, (top - stored.exponent).as_unsigned())


def weigher(spec: Attention) -> StepWeigher | Exp2Weigher:
    """Return the circuits of an attention specification; TypeError for anything else."""
    if isinstance(spec, StepAttention):
        return StepWeigher(spec)
    if isinstance(spec, Exp2Attention):
        return Exp2Weigher(spec)
    raise TypeError(f"spec must be a StepAttention or an Exp2Attention, not {spec!r}")
