"""Causal attention of one query over the cache: ``softmax(q·k / sqrt(head_dim)) · v``, head by head."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from talos_ref.golden.divide import ReciprocalDivide, TruncatingDivide
from talos_ref.golden.exp import Exp2, StepExp
from talos_ref.golden.format import Format, Rounding, shift_right
from talos_ref.golden.kv_cache import LayerCache
from talos_ref.golden.linear import dot

__all__ = ["StepAttention", "Exp2Attention", "Attention", "attend"]


@dataclass(frozen=True, kw_only=True)
class StepAttention:
    """Attention of ``talos-v2``.

        score = sat(((q·k) >> 12) >> log2 sqrt(head_dim));  weight = StepExp(score - max)
        out = sat(trunc(Σ weight·v / Σ weight))

    Raises ValueError if ``head_dim`` is not a power of four, since its root is a shift.
    """

    word: Format
    head_dim: int
    exp: StepExp
    divide: TruncatingDivide

    def __post_init__(self) -> None:
        if self.head_dim & (self.head_dim - 1) or self.head_dim.bit_length() % 2 == 0:
            raise ValueError(f"head_dim must be a power of four in talos-v2, not {self.head_dim!r}")

    @property
    def score_shift(self) -> int:
        """Fraction bits that a Q.24 sum loses to become a score."""
        return self.word.fraction + (self.head_dim.bit_length() - 1) // 2

    def score(self, total: int) -> int:
        """Return the score for an exact ``q·k``."""
        return self.word.saturate(shift_right(total, self.score_shift, Rounding.FLOOR))

    def weights(self, scores: list[int]) -> list[int]:
        """Return the weights of all positions, UQ1.12."""
        return [self.exp.compute(score - max(scores)) for score in scores]


@dataclass(frozen=True, kw_only=True)
class Exp2Attention:
    """Attention of ``precise``; the query already carries ``log2(e) / sqrt(head_dim)``.

        t = round((q·k) / 2^12), Q.12, never saturated;  weight = Exp2(t)
        out = ReciprocalDivide(Σ weight·v, Σ weight)

    """

    word: Format
    head_dim: int
    exp: Exp2
    divide: ReciprocalDivide

    @property
    def query_scale(self) -> int:
        """``log2(e) / sqrt(head_dim)`` in UQ4.13."""
        return round(math.log2(math.e) / math.sqrt(self.head_dim) * (1 << 13))

    def score(self, total: int) -> int:
        """Return the exponent for an exact ``q·k``."""
        return shift_right(total, 2 * self.word.fraction - self.exp.fraction, Rounding.NEAREST)

    def weights(self, scores: list[int]) -> list[int]:
        """Return the weights of all positions, UQ1.16."""
        return self.exp.weights(scores)


Attention = StepAttention | Exp2Attention


def attend(attention: Attention, q: Sequence[int], cache: LayerCache) -> list[int]:
    """Return the n_embd outputs of all heads for the query ``q`` over every cached position, Q4.12."""
    out = []
    for first in range(0, len(q), attention.head_dim):
        head = slice(first, first + attention.head_dim)
        scores = [attention.score(dot(q[head], key[head])) for key in cache.keys]
        weights = attention.weights(scores)
        for lane in range(first, first + attention.head_dim):
            numerator = sum(weight * value[lane] for weight, value in zip(weights, cache.values, strict=True))
            out.append(attention.divide.compute(numerator, sum(weights)))
    return out
