"""RMSNorm without parameters: ``y = x / sqrt(mean(x²) + eps)``, as a scale that is computed once and applied."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from talos_ref.golden import arrays
from talos_ref.golden.arrays import Ints, Saturate
from talos_ref.golden.format import Format, Rounding, shift_right
from talos_ref.golden.table import InterpolatedTable

__all__ = ["EPS", "RmsNorm", "RootRmsNorm", "TableRmsNorm", "normalise", "batched_normalise"]

EPS = 1e-5
"""Added to the mean square."""


class RmsNorm(Protocol):
    """RMSNorm of ``n`` words: a scale, applied by `normalise` and `batched_normalise`."""

    @property
    def n(self) -> int:
        """Elements of a vector."""

    @property
    def word(self) -> Format:
        """Format of the elements."""

    @property
    def scale_format(self) -> Format:
        """Format of the scale."""

    def scale(self, x: Sequence[int]) -> int:
        """Return the scale of a vector."""

    def batched_scale(self, x: Ints, saturate: Saturate) -> Ints:
        """Return the scales [name, 1] of vectors [name, n]; it saturates as unit ``scale``."""

    def constants(self) -> dict[str, Any]:
        """Return the tables and constants by name."""


def normalise(norm: RmsNorm, x: Sequence[int]) -> list[int]:
    """Return ``sat(round(x · scale(x)))``."""
    scale = norm.scale(x)
    fraction = norm.word.fraction + norm.scale_format.fraction
    return [norm.word.requantise(value * scale, fraction) for value in x]


def batched_normalise(norm: RmsNorm, x: Ints, saturate: Saturate) -> Ints:
    """Return `normalise` of every vector [name, n]."""
    scaled = x * norm.batched_scale(x, saturate)
    return arrays.requantise("norm", norm.word, scaled, norm.word.fraction + norm.scale_format.fraction, saturate)


@dataclass(frozen=True, kw_only=True)
class RootRmsNorm:
    """The scale of ``talos-v2``: an integer square root and a division, both floored.

        ms = (Σ ((x·x) >> 12) >> log2 n) + 1
        d = isqrt(ms << 12)
        scale = min(2^24 // d, 32767)

    ``d <= 512`` gives 32767 as well, since 2^24 // 512 = 32768. Raises ValueError if ``n`` is not a power of two.
    """

    n: int
    word: Format
    scale_format: Format = Format(width=15, fraction=12, signed=False)

    def __post_init__(self) -> None:
        if self.n & (self.n - 1):
            raise ValueError(f"n_embd must be a power of two in talos-v2, not {self.n!r}")

    @property
    def log2_n(self) -> int:
        """Shift that divides by ``n``."""
        return self.n.bit_length() - 1

    @property
    def max_mean_square(self) -> int:
        """Largest ``ms``: every element at the lower end of its range."""
        return (self.word.low**2 >> self.word.fraction) + 1

    def square(self, value: int) -> int:
        """Return one element's share of the sum of squares."""
        return (value * value) >> self.word.fraction

    def scale_of_sum(self, total: int) -> int:
        """Return the scale for a sum of squares."""
        return self.scale_of_mean((total >> self.log2_n) + 1)

    def scale_of_mean(self, mean_square: int) -> int:
        """Return the scale for ``ms``, from 1 to ``max_mean_square``."""
        root = math.isqrt(mean_square << self.word.fraction)
        return min((1 << 2 * self.word.fraction) // root, self.scale_format.high)

    def scale(self, x: Sequence[int]) -> int:
        """Return the scale of a vector, UQ3.12."""
        return self.scale_of_sum(sum(self.square(value) for value in x))

    def batched_scale(self, x: Ints, saturate: Saturate) -> Ints:
        """Return the scales [name, 1] of vectors [name, n]."""
        total: Ints = ((x * x) >> self.word.fraction).sum(axis=-1, keepdims=True)
        mean = (total >> self.log2_n) + 1
        # A correctly rounded root of a number below 2^52 is never rounded up to an integer it does not reach.
        root = np.sqrt((mean << self.word.fraction).astype(np.float64)).astype(np.int64)
        return saturate("scale", self.scale_format, (1 << 2 * self.word.fraction) // root)

    def constants(self) -> dict[str, Any]:
        """Return nothing: no table is needed."""
        return {}


@dataclass(frozen=True, kw_only=True)
class TableRmsNorm:
    """The scale of ``precise``: normalise, look up, interpolate, denormalise.

        m = Σ x² + round(n · eps · 2^24)                            exact
        e = ceil(bit_length(m) / 2);  u = m · 2^(16 - 2e), floored   16 bits, its top two not both 0
        scale = min(round(table(u) · 2^(9 + r - e)), 2^17 - 1)      UQ4.13; 2^17 - 1 if e < 9 + r

    where ``r = floor(log2 sqrt(n))`` and ``table`` holds ``2^16 · c / sqrt(u / 2^16)`` with ``c = sqrt(n) / 2^r``, in
    17 bits if ``n`` is a power of four and 18 if not. Scales of 16 and more (a root mean square below 1/16) saturate.
    """

    n: int
    word: Format
    scale_format: Format = Format(width=17, fraction=13, signed=False, rounding=Rounding.NEAREST)

    @property
    def root_exponent(self) -> int:
        """``floor(log2 sqrt(n))``."""
        return (self.n.bit_length() - 1) // 2

    @property
    def eps(self) -> int:
        """What is added to the sum of squares."""
        return round(self.n * EPS * (1 << 2 * self.word.fraction))

    @property
    def sum_bits(self) -> int:
        """Width of the largest sum, eps included."""
        return (self.n * self.word.low**2 + self.eps).bit_length()

    @property
    def unit_exponent(self) -> int:
        """The ``e`` at which the table's output is the scale without a shift; below it the scale saturates."""
        # scale = 2^(13 + 12) · sqrt(n) / (2^e · sqrt(u / 2^16)), and the table brings 2^16 · sqrt(n) / 2^root_exponent.
        return self.scale_format.fraction + self.word.fraction + self.root_exponent - 16

    @cached_property
    def table(self) -> InterpolatedTable:
        """Reciprocal square root over [1/4, 1)."""
        numerator = math.sqrt(self.n) / 2**self.root_exponent
        return InterpolatedTable(
            name="rsqrt", function=lambda u: numerator / math.sqrt(u), index_bits=8, step_bits=8, fraction=16,
            output_bits=self.scale_format.width + (numerator > 1), first=64,
        )  # fmt: skip

    def square(self, value: int) -> int:
        """Return one element's share of the sum of squares, Q8.24."""
        return value * value

    def scale_of_sum(self, total: int) -> int:
        """Return the scale for a sum of squares, Q.24."""
        m = total + self.eps
        e = (m.bit_length() + 1) // 2
        if e < self.unit_exponent:
            return self.scale_format.high
        u = shift_right(m, 2 * e - self.table.input_bits, Rounding.FLOOR)
        scale = shift_right(self.table.compute(u), e - self.unit_exponent, self.scale_format.rounding)
        return self.scale_format.saturate(scale)

    def scale(self, x: Sequence[int]) -> int:
        """Return the scale of a vector, UQ4.13."""
        return self.scale_of_sum(sum(self.square(value) for value in x))

    def batched_scale(self, x: Ints, saturate: Saturate) -> Ints:
        """Return the scales [name, 1] of vectors [name, n]."""
        m: Ints = (x * x).sum(axis=-1, keepdims=True) + self.eps
        e = (arrays.bit_length(m) + 1) // 2
        denormalise = np.maximum(e - self.unit_exponent, 0)
        u = m >> (2 * (denormalise + self.unit_exponent) - self.table.input_bits)
        scale = arrays.shift_nearest(self.table.batched_compute(u), denormalise)
        # Sums below the table have scales beyond the format, too.
        return saturate("scale", self.scale_format, np.where(e < self.unit_exponent, self.scale_format.high + 1, scale))

    def constants(self) -> dict[str, Any]:
        """Return the table, what is added to a sum, and the exponent from which the table's output is shifted."""
        return {"rsqrt": self.table.to_json(), "eps": self.eps, "unit_exponent": self.unit_exponent}
