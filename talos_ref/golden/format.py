"""Fixed-point formats: width, fraction bits, rounding and saturation as one value object."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

__all__ = ["Rounding", "Format", "Q4_12", "Q5_12", "Q6_12", "FORMATS", "MULTIPLIER_BITS", "named_format", "shift_right"]


class Rounding(enum.Enum):
    """How bits below the last kept one are dropped."""

    FLOOR = "floor"
    """Towards minus infinity: an arithmetic shift, ``v >> n``."""
    NEAREST = "nearest"
    """To nearest, halves up: ``(v + 2^(n-1)) >> n``."""


def shift_right(value: int, bits: int, rounding: Rounding) -> int:
    """Return ``value / 2^bits`` rounded to an integer; negative ``bits`` shift left exactly."""
    if bits <= 0:
        return value << -bits
    if rounding is Rounding.NEAREST:
        value += 1 << (bits - 1)
    return value >> bits


@dataclass(frozen=True, kw_only=True)
class Format:
    """A saturating fixed-point number: ``value = integer / 2^fraction``.

    Raises ValueError if the width or the fraction is out of range.
    """

    width: int
    """Bits, the sign included."""
    fraction: int
    """Bits below the binary point."""
    signed: bool = True
    """Two's complement, or unsigned."""
    rounding: Rounding = Rounding.FLOOR
    """Used where a finer number is brought to this format."""

    def __post_init__(self) -> None:
        if not 1 <= self.width <= 64:
            raise ValueError(f"width must be 1 to 64, not {self.width!r}")
        if not 0 <= self.fraction <= 64:
            raise ValueError(f"fraction must be 0 to 64, not {self.fraction!r}")

    @property
    def low(self) -> int:
        """Smallest integer."""
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """Largest integer."""
        return (1 << (self.width - self.signed)) - 1

    def saturate(self, value: int) -> int:
        """Return the nearest integer that fits."""
        return min(max(value, self.low), self.high)

    def requantise(self, value: int, fraction: int) -> int:
        """Return ``value`` (which has ``fraction`` fraction bits) rounded and saturated to this format."""
        return self.saturate(shift_right(value, fraction - self.fraction, self.rounding))

    def quantise(self, value: float) -> int:
        """Return a real number rounded half to even and saturated, as a checkpoint is; ValueError if not finite."""
        if not math.isfinite(value):
            raise ValueError(f"value must be finite, not {value!r}")
        return self.saturate(round(value * (1 << self.fraction)))

    def to_float(self, value: int) -> float:
        """Return the real number that an integer of this format stands for."""
        return value / (1 << self.fraction)

    def __str__(self) -> str:
        kind = "Q" if self.signed else "UQ"
        return f"{kind}{self.width - self.fraction}.{self.fraction}"


Q4_12 = Format(width=16, fraction=12)
"""Weights and stored activations of the published model: 16 bits, from -8 to 8 - 2^-12."""
Q5_12 = Format(width=17, fraction=12)
"""17 bits, from -16 to 16 - 2^-12."""
Q6_12 = Format(width=18, fraction=12)
"""18 bits, from -32 to 32 - 2^-12: the widest word that fits both ports of an 18 × 19 multiplier."""
FORMATS = (Q4_12, Q5_12, Q6_12)
"""Formats that a word may have, the narrowest first."""
MULTIPLIER_BITS = 19
"""Wider operand of the multiplier that the arithmetics are made for, 18 × 19 bits, both signed."""


def named_format(name: str) -> Format:
    """Return the one of ``FORMATS`` with a name such as ``Q4.12``; ValueError for another name."""
    for format in FORMATS:
        if str(format) == name:
            return format
    raise ValueError(f"format must be one of {', '.join(map(str, FORMATS))}, not {name!r}")
