"""Interpolated table: a function from a few stored points and one multiplication."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from talos_ref.golden import arrays
from talos_ref.golden.arrays import Ints
from talos_ref.golden.format import Rounding, shift_right

__all__ = ["InterpolatedTable"]


@dataclass(frozen=True, kw_only=True)
class InterpolatedTable:
    """Piecewise linear ``f`` on ``[first, 2^index_bits) / 2^index_bits``, one line a segment.

    For an input ``u`` of ``index_bits + step_bits`` bits, ``i = u >> step_bits`` and ``d = u mod 2^step_bits``,

        y = min(base[i] + ((slope[i]·d + 2^(step_bits - 1)) >> step_bits), 2^output_bits - 1)

    approximates ``2^fraction · f(u / 2^(index_bits + step_bits))``. The line of a segment runs through the function at
    both of its ends, moved by half the largest gap between the two, so that the error is the same above and below.
    Segments below ``first`` are never read and not stored. ``slope`` may be negative.
    """

    name: str
    function: Callable[[float], float]
    index_bits: int
    step_bits: int
    fraction: int
    output_bits: int
    first: int = 0

    @property
    def input_bits(self) -> int:
        """Width of the input."""
        return self.index_bits + self.step_bits

    @cached_property
    def lines(self) -> tuple[tuple[int, int], ...]:
        """(base, slope) of every segment from ``first`` on."""
        lines = []
        segments = 1 << self.index_bits
        for index in range(self.first, segments):
            left, right = self.function(index / segments), self.function((index + 1) / segments)
            middle = self.function((index + 0.5) / segments)
            base = left + (middle - (left + right) / 2) / 2
            lines.append((round(base * 2**self.fraction), round((right - left) * 2**self.fraction)))
        return tuple(lines)

    def compute(self, u: int) -> int:
        """Return the interpolated value at ``u``; ValueError if ``u`` lies outside the table."""
        if not self.first << self.step_bits <= u < 1 << self.input_bits:
            raise ValueError(f"{self.name} input must be {self.first << self.step_bits} "
                             f"to {(1 << self.input_bits) - 1}, not {u!r}")
        base, slope = self.lines[(u >> self.step_bits) - self.first]
        step = slope * (u & ((1 << self.step_bits) - 1))
        return min(base + shift_right(step, self.step_bits, Rounding.NEAREST), (1 << self.output_bits) - 1)

    @cached_property
    def _values(self) -> Ints:
        """``compute`` of every input of the table, from the first segment on."""
        base, slope = np.array(self.lines, dtype=np.int64).T[:, :, None]  # [segment, 1] each
        steps = np.arange(1 << self.step_bits)
        values = base + arrays.shift(slope * steps, self.step_bits, Rounding.NEAREST)
        limited: Ints = np.minimum(values, (1 << self.output_bits) - 1).ravel()
        return limited

    def batched_compute(self, u: Ints) -> Ints:
        """Return ``compute`` of every element; those below the table are taken for its first."""
        return self._values[np.maximum(u - (self.first << self.step_bits), 0)]

    def to_json(self) -> dict[str, Any]:
        """Return dimensions and lines, ready for JSON; ``lines`` are [base, slope] from segment ``first`` on."""
        return {
            "index_bits": self.index_bits,
            "step_bits": self.step_bits,
            "fraction": self.fraction,
            "output_bits": self.output_bits,
            "first": self.first,
            "lines": [list(line) for line in self.lines],
        }
