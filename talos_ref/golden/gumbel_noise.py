"""Gumbel noise from 32 random bits: ``G = -ln(-ln u)``, read from a table with one line a segment."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from talos_ref.golden import arrays
from talos_ref.golden.arrays import Ints
from talos_ref.golden.format import Rounding, shift_right

__all__ = ["GumbelNoise"]


@dataclass(frozen=True, kw_only=True)
class GumbelNoise:
    """Standard Gumbel noise in Q6.12, 18 bits, for ``u = (z + 1/2) / 2^32``; from -3.13 to 22.87.

    Both tails are folded onto one: with ``half`` the top bit of z, and z complemented where it is set,

        v = 2 · (z mod 2^31) + 1                       u = v / 2^33, or 1 - v / 2^33 where half is set
        e = 31 - floor(log2 v)                         octave: v < 2^-e of its range
        p = the 13 bits of v below its first one, complemented where half is set
        i = 256 · half + 8 · e + (p >> 10);  d = p mod 2^10
        G = offset[i >> 3] + base[i] + ((rise[i] · d + 2^7) >> 8)

    ``base`` and ``rise`` are lines of 20 bits, 512 of them; ``offset`` is a function of 6 bits. The complement makes G
    rise with d on both sides, and a rise of 1 is worth 4 units of G. Bits below the last of v are zeros. The line of a
    segment has the function's mean over it (by Simpson's rule), so that its errors cancel in a probability.
    """

    fraction: int = 12
    segment_bits: int = 3
    step_bits: int = 10
    rise_shift: int = 2
    """log2 of what a rise of 1 is worth."""
    base_width: int = 12
    rise_width: int = 8
    width: int = 18
    """Bits of G."""

    def function(self, half: int, v: float) -> float:
        """Return ``-ln(-ln u)`` for ``v`` as a share of its range, 0 to 1: ``u = v / 2``, or ``1 - v / 2``."""
        return -math.log(-math.log1p(-v / 2)) if half else -math.log(-math.log(v / 2))

    @cached_property
    def _segments(self) -> tuple[tuple[float, int], ...]:
        """The value at the start of every segment's line, in units of G, and its rise."""
        segments, one = 1 << self.segment_bits, 1 << self.fraction
        found = []
        for octave in range(64):
            half, e = octave >> 5, octave & 31

            def place(p: float, half: int = half, e: int = e) -> float:
                return self.function(half, (1 + (1 - p if half else p)) / 2 ** (e + 1)) * one

            for index in range(segments):
                left, middle, right = (place((index + step) / segments) for step in (0, 0.5, 1))
                rise = round((right - left) / (1 << self.rise_shift))
                # d is floored, so that its mean is half a step below the middle of the segment.
                climbed = (rise << self.rise_shift) * (0.5 - 0.5 / (1 << self.step_bits))
                found.append(((left + 4 * middle + right) / 6 - climbed, rise))
        return tuple(found)

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """The value at the start of every octave: 32 of the lower half, 32 of the upper."""
        return tuple(round(start) for start, _ in self._segments[:: 1 << self.segment_bits])

    @cached_property
    def lines(self) -> tuple[tuple[int, int], ...]:
        """(base, rise) of all segments, 8 an octave."""
        starts = ((self.offsets[index >> self.segment_bits], line) for index, line in enumerate(self._segments))
        return tuple((round(start) - offset, rise) for offset, (start, rise) in starts)

    def compute(self, z: int) -> int:
        """Return the noise for 32 random bits."""
        place_bits = self.segment_bits + self.step_bits
        half = z >> 31
        v = 2 * ((z ^ (0xFFFFFFFF if half else 0)) & 0x7FFFFFFF) + 1
        e = 32 - v.bit_length()
        place = ((v << e) & 0x7FFFFFFF) >> (31 - place_bits)
        place ^= ((1 << place_bits) - 1) if half else 0
        octave = 32 * half + e
        base, rise = self.lines[(octave << self.segment_bits) + (place >> self.step_bits)]
        step = rise * (place & ((1 << self.step_bits) - 1))
        return self.offsets[octave] + base + shift_right(step, self.step_bits - self.rise_shift, Rounding.NEAREST)

    def batched_compute(self, z: Ints) -> Ints:
        """Return ``compute`` of every element."""
        place_bits = self.segment_bits + self.step_bits
        half = z >> 31
        v = 2 * ((z ^ -half) & 0x7FFFFFFF) + 1
        e = 32 - arrays.bit_length(v)
        place = ((v << e) & 0x7FFFFFFF) >> (31 - place_bits)
        place ^= -half & ((1 << place_bits) - 1)
        octave = 32 * half + e
        return self._values[(octave << place_bits) + place]

    @cached_property
    def _values(self) -> Ints:
        """The noise of every octave and place."""
        base, rise = np.array(self.lines, dtype=np.int64).T[:, :, None]  # [segment, 1] each
        steps = arrays.shift(rise * np.arange(1 << self.step_bits), self.step_bits - self.rise_shift, Rounding.NEAREST)
        offsets = np.repeat(np.array(self.offsets), 1 << self.segment_bits)[:, None]
        values: Ints = (offsets + base + steps).ravel()
        return values

    @cached_property
    def distribution(self) -> tuple[int, npt.NDArray[np.float64]]:
        """The least noise, and the exact probability of every value from it on, all 2^32 bits being as likely."""
        place_bits = self.segment_bits + self.step_bits
        values, counts = [], []
        for octave in range(64):
            half, e = octave >> 5, octave & 31
            free = min(max(30 - e, 0), place_bits)  # bits of a place that differ; the last one of v follows them
            places = np.arange(1 << free) << (place_bits - free)
            if free < place_bits and e < 31:
                places += 1 << (place_bits - free - 1)
            places ^= -half & ((1 << place_bits) - 1)
            values.append(self._values[(octave << place_bits) + places])
            counts.append(np.full(len(places), 2.0 ** (max(30 - e, 0) - free)))
        noise = np.concatenate(values)
        least = int(noise.min())
        return least, np.bincount(noise - least, np.concatenate(counts)) / 2**32

    def to_json(self) -> dict[str, Any]:
        """Return dimensions and lines, ready for JSON."""
        return {
            "step_bits": self.step_bits,
            "rise_shift": self.rise_shift,
            "fraction": self.fraction,
            "first": 0,
            "lines": [list(line) for line in self.lines],
        }
