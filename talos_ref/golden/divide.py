"""Division: truncating and exact for ``talos-v2``, by a reciprocal for ``precise``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from talos_ref.golden import arrays
from talos_ref.golden.arrays import Ints, Saturate
from talos_ref.golden.format import MULTIPLIER_BITS, Format, Rounding, shift_right
from talos_ref.golden.table import InterpolatedTable

__all__ = ["Divide", "TruncatingDivide", "ReciprocalDivide"]


class Divide(Protocol):
    """The division at the end of attention: a weighted sum by the sum of its weights."""

    @property
    def word(self) -> Format:
        """Format of the quotient."""

    def compute(self, numerator: int, denominator: int) -> int:
        """Return the quotient."""

    def batched_compute(self, numerator: Ints, denominator: Ints, saturate: Saturate) -> Ints:
        """Return ``compute`` of every element; it saturates as unit ``attention``."""

    def constants(self) -> dict[str, Any]:
        """Return the tables and constants by name."""


@dataclass(frozen=True, kw_only=True)
class TruncatingDivide:
    """``sat(trunc(numerator / denominator))``: towards zero, as Verilog divides."""

    word: Format

    def compute(self, numerator: int, denominator: int) -> int:
        """Return the quotient of a Q.24 and a UQ.12 number, in Q4.12."""
        quotient = abs(numerator) // denominator
        return self.word.saturate(quotient if numerator >= 0 else -quotient)

    def batched_compute(self, numerator: Ints, denominator: Ints, saturate: Saturate) -> Ints:
        """Return ``compute`` of every element."""
        return saturate("attention", self.word, np.sign(numerator) * (np.abs(numerator) // denominator))

    def constants(self) -> dict[str, Any]:
        """Return nothing: no table is needed."""
        return {}


@dataclass(frozen=True, kw_only=True)
class ReciprocalDivide:
    """Weighted mean by a reciprocal: normalise, look up, interpolate, multiply.

        e = bit_length(denominator) - 16;  u = denominator >> e                  in [2^15, 2^16)
        reciprocal = table of 2^16 / (u / 2^16)                                  UQ1.16
        wide = numerator · 2^guard >> (e + 16), floored                          at most 19 bits
        quotient = sat(round(wide · reciprocal / 2^(16 + guard)))                a word

    The denominator is a sum of UQ1.16 weights of which the largest is a mantissa, 65534 or more, so ``e >= 0``; the
    numerator is the same sum with every weight multiplied by a word.
    """

    word: Format

    @property
    def guard(self) -> int:
        """Bits kept below a word until the product: two, fewer where the multiplier's wider port has no more."""
        return min(2, MULTIPLIER_BITS - self.word.width)

    @cached_property
    def table(self) -> InterpolatedTable:
        """1/u for u in [1/2, 1)."""
        return InterpolatedTable(
            name="reciprocal", function=lambda u: 1 / u,
            index_bits=8, step_bits=8, fraction=16, output_bits=17, first=128,
        )  # fmt: skip

    def compute(self, numerator: int, denominator: int) -> int:
        """Return the quotient, in Q4.12; ValueError for a denominator below 2^15."""
        if denominator < 1 << (self.table.input_bits - 1):
            raise ValueError(f"denominator must be at least {1 << (self.table.input_bits - 1)}, not {denominator!r}")
        e = denominator.bit_length() - self.table.input_bits
        reciprocal = self.table.compute(denominator >> e)
        wide = numerator >> (e + 16 - self.guard)
        return self.word.saturate(shift_right(wide * reciprocal, 16 + self.guard, Rounding.NEAREST))

    def batched_compute(self, numerator: Ints, denominator: Ints, saturate: Saturate) -> Ints:
        """Return ``compute`` of every element, whose denominators must be large enough."""
        e = arrays.bit_length(denominator) - self.table.input_bits
        wide = numerator >> (e + 16 - self.guard)
        product = wide * self.table.batched_compute(denominator >> e)
        return saturate("attention", self.word, arrays.shift(product, 16 + self.guard, Rounding.NEAREST))

    def constants(self) -> dict[str, Any]:
        """Return the table of reciprocals and the guard bits."""
        return {"reciprocal": self.table.to_json(), "guard": self.guard}
