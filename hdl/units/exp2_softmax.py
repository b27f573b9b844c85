"""Softmax of ``precise``: mantissas beside the search for the largest exponent, aligned after it."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Shape, Value, signed
from amaranth.lib import data

from hdl.units.exp import exp2_align, exp2_exponent, exp2_mantissa
from hdl.units.format import shift_right
from talos_ref.golden.attention import Exp2Attention
from talos_ref.golden.format import Rounding

__all__ = ["Exp2Softmax"]


class Exp2Softmax:
    """``weights`` of ``talos_ref.golden.attention.Exp2Attention``, as ``Softmax``.

    A score is an exponent. Its mantissa is made beside the search for the largest integer part, and shifted after it.
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
