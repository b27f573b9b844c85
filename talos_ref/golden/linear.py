"""Matrix-vector products: exact sums, rounded once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from talos_ref.golden import arrays
from talos_ref.golden.arrays import Ints, Saturate
from talos_ref.golden.format import MULTIPLIER_BITS, Format, Rounding, shift_right

__all__ = ["Matrix", "dot", "matvec", "add", "Linear", "ScaledLinear"]

Matrix = Sequence[Sequence[int]]
"""rows × columns, words."""


def dot(a: Sequence[int], b: Sequence[int]) -> int:
    """Return ``Σ a·b``, exact; ValueError if the lengths differ."""
    return sum(x * y for x, y in zip(a, b, strict=True))


def matvec(matrix: Matrix, x: Sequence[int]) -> list[int]:
    """Return ``matrix · x`` (rows × columns times columns), exact sums in Q.24."""
    return [dot(row, x) for row in matrix]


def add(word: Format, a: Sequence[int], b: Sequence[int]) -> list[int]:
    """Return the saturated sum of two vectors of words."""
    return [word.saturate(x + y) for x, y in zip(a, b, strict=True)]


@dataclass(frozen=True, kw_only=True)
class Linear:
    """``sat(round(sum / 2^12))``: a Q.24 sum brought to a stored word in the rounding of ``word``."""

    word: Format

    def requantise(self, total: int) -> int:
        """Return one sum as a word."""
        return self.word.requantise(total, 2 * self.word.fraction)

    def compute(self, matrix: Matrix, x: Sequence[int]) -> list[int]:
        """Return ``matrix · x`` as words."""
        return [self.requantise(total) for total in matvec(matrix, x)]

    def batched_requantise(self, unit: str, totals: Ints, saturate: Saturate) -> Ints:
        """Return ``requantise`` of every element."""
        return arrays.requantise(unit, self.word, totals, 2 * self.word.fraction, saturate)


@dataclass(frozen=True, kw_only=True)
class ScaledLinear:
    """A product whose scale is applied afterwards: ``sat(round(wide(sum) · scale))``, of ``precise`` only.

        wide = sat(round(sum / 2^(24 - f)))                          one integer bit more than a word, f fraction bits
        word = sat(round((wide · scale + addend · 2^(f - 11)) / 2^(f + 1)))      scale UQ4.13; addend Q.24, exact

    ``wide`` goes to the wider port of a multiplier of 18 × 19 bits, so it has one fraction bit more than a word where
    19 bits allow it: Q5.13 for words of Q4.12, Q6.13 for Q5.12, Q7.12 for Q6.12, Q8.11 for Q7.12.

    It serves the query (whose scale is the constant ``log2(e) / sqrt(head_dim)``) and the MLP, where RMSNorm's scale
    commutes with both products and with ReLU.
    """

    word: Format
    scale_format: Format

    @property
    def wide(self) -> Format:
        """What the scale multiplies."""
        width = min(self.word.width + 2, MULTIPLIER_BITS)
        fraction = self.word.fraction + width - self.word.width - 1
        return Format(width=width, fraction=fraction, rounding=Rounding.NEAREST)

    def widen(self, total: int) -> int:
        """Return a Q.24 sum in the format of the multiplier's port."""
        return self.wide.requantise(total, 2 * self.word.fraction)

    def requantise(self, total: int, scale: int, addend: int = 0) -> int:
        """Return ``total · scale + addend`` as a word; ``total`` and ``addend`` are sums in Q.24."""
        fraction = self.wide.fraction + self.scale_format.fraction
        product = self.widen(total) * scale + (addend << (fraction - 2 * self.word.fraction))
        return self.word.saturate(shift_right(product, fraction - self.word.fraction, Rounding.NEAREST))

    def batched_requantise(
        self, unit: str, totals: Ints, scale: Ints | int, saturate: Saturate, addend: Ints | int = 0
    ) -> Ints:
        """Return ``requantise`` of every element; what saturates in the port is counted as ``{unit} before scale``."""
        fraction = self.wide.fraction + self.scale_format.fraction
        wide = arrays.requantise(f"{unit} before scale", self.wide, totals, 2 * self.word.fraction, saturate)
        product = wide * scale + (addend << (fraction - 2 * self.word.fraction))
        return saturate(unit, self.word, arrays.shift(product, fraction - self.word.fraction, Rounding.NEAREST))
