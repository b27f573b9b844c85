"""Exponentials: ``talos-v2`` reads a table of e^(-i/4), with and without interpolation; ``precise`` computes 2^t."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from talos_ref.golden.arrays import Ints
from talos_ref.golden.table import InterpolatedTable

__all__ = ["EXP_TABLE", "Exp", "StepExp", "WrappingExp", "Exp2"]

# 4096·e^(-i/4) as the published TALOS-V2 RTL has it; about half the entries are off by one from the rounded value.
EXP_TABLE = (
    4096, 3189, 2484, 1935, 1507, 1174, 914, 712, 555, 432, 337, 262, 204, 159, 124, 97,
    75, 59, 46, 36, 28, 22, 17, 13, 10, 8, 6, 5, 4, 3, 2, 1,
)  # fmt: skip
"""e^(-i/4) in UQ1.12."""


class Exp(Protocol):
    """What any exponential is to those who add its weights."""

    @property
    def width(self) -> int:
        """Bits of a weight."""


@dataclass(frozen=True, kw_only=True)
class StepExp:
    """Attention weights of ``talos-v2``: steps of 1/4, UQ1.12.

        weight = E[min((-delta + 511) >> 10, 31)]        delta = score - max <= 0, Q4.12
    """

    width: int = 13

    def compute(self, delta: int) -> int:
        """Return the weight of a score that is ``-delta`` below the largest."""
        return EXP_TABLE[min((511 - delta) >> 10, len(EXP_TABLE) - 1)]

    def batched_compute(self, delta: Ints) -> Ints:
        """Return ``compute`` of every element."""
        weights: Ints = np.array(EXP_TABLE)[np.minimum((511 - delta) >> 10, len(EXP_TABLE) - 1)]
        return weights


@dataclass(frozen=True, kw_only=True)
class WrappingExp:
    """Sampling weights of ``talos-v2``, with the two wraps of the published sampler kept.

        f = ((-delta + 127) >> 8) mod 256;  c = f >> 2;  n = (c + 1) mod 64;  E past its end is 1
        weight = E[c] - (((E[c] - E[n])·(f & 3)) >> 2)   modulo 2^32, 1 in place of 0, 4096 where delta >= 0

    The first wrap gives a token 16 units of ``delta`` below the best its full weight back; the second makes the weight
    of ``c = 63`` about 3.2e9.
    """

    width: int = 32

    def steps(self, delta: int) -> int:
        """Return ``f`` before the first wrap: sixteenths below the largest logit."""
        return (127 - delta) >> 8

    def wraps(self, delta: int) -> bool:
        """Return whether a weight is what it is through one of the two wraps."""
        f = self.steps(delta)
        return (f > 0xFF) | ((f >> 2 == 63) & (f & 3 != 0))

    def compute(self, delta: int) -> int:
        """Return the weight of a logit that is ``-delta`` (after the temperature) below the largest."""
        if delta >= 0:
            return EXP_TABLE[0]
        f = self.steps(delta) & 0xFF
        here, after = (EXP_TABLE[c] if c < len(EXP_TABLE) else 1 for c in (f >> 2, ((f >> 2) + 1) & 63))
        fall = ((here - after) & 0xFFFFFFFF) * (f & 3) & 0xFFFFFFFF
        return (here - (fall >> 2)) & 0xFFFFFFFF or 1

    @cached_property
    def _weights(self) -> Ints:
        """The weight for every ``f``."""
        return np.array([self.compute(127 - (f << 8)) for f in range(0x100)])

    def batched_compute(self, delta: Ints) -> Ints:
        """Return ``compute`` of every element."""
        return self._weights[np.where(delta < 0, (127 - delta) >> 8 & 0xFF, 0)]


@dataclass(frozen=True, kw_only=True)
class Exp2:
    """Weights of ``precise``: powers of two relative to the largest exponent met, UQ1.16.

    For an exponent ``t`` in Q.12, ``n = t >> 12`` and ``f = t mod 2^12``:

        weight = mantissa(f) >> min(top - n, 31)         mantissa(f) = table of 2^16 · 2^(f / 2^12), 32 segments

    ``top`` is the largest ``n`` of the sum that the weight is part of. Only integers are compared, so that mantissas
    and ``top`` come at the same time; the common factor 2^top cancels in every quotient of weights.
    """

    fraction: int = 12
    width: int = 17

    @cached_property
    def table(self) -> InterpolatedTable:
        """2^f for f in [0, 1)."""
        return InterpolatedTable(
            name="exp2", function=lambda f: 2.0**f, index_bits=5, step_bits=7, fraction=16, output_bits=self.width
        )

    def exponent(self, t: int) -> int:
        """Return ``n``, the integer part of ``t``."""
        return t >> self.fraction

    def compute(self, t: int, top: int) -> int:
        """Return the weight of ``t`` where the largest exponent is ``top``."""
        mantissa = self.table.compute(t & ((1 << self.fraction) - 1))
        return mantissa >> min(top - self.exponent(t), 31)

    def weights(self, exponents: list[int]) -> list[int]:
        """Return the weights of all terms of one sum."""
        top = max(self.exponent(t) for t in exponents)
        return [self.compute(t, top) for t in exponents]

    def batched_weights(self, exponents: Ints) -> Ints:
        """Return ``weights`` of sums that lie along the last axis."""
        n = exponents >> self.fraction
        mantissa = self.table.batched_compute(exponents & ((1 << self.fraction) - 1))
        # Past the mantissa's width nothing is left, however far the shift goes.
        weights: Ints = mantissa >> np.minimum(n.max(axis=-1, keepdims=True) - n, self.width)
        return weights

    def constants(self) -> dict[str, Any]:
        """Return the table of mantissas."""
        return {"exp2": self.table.to_json()}
