"""Causal attention of one query over the cache: ``softmax(q·k / sqrt(head_dim)) · v``, head by head."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from talos_ref.golden import arrays
from talos_ref.golden.arrays import Ints, Saturate
from talos_ref.golden.divide import Divide, ReciprocalDivide, TruncatingDivide
from talos_ref.golden.exp import EXP_TABLE, Exp, Exp2, StepExp
from talos_ref.golden.format import Format, Rounding, shift_right
from talos_ref.golden.kv_cache import LayerCache
from talos_ref.golden.linear import Linear, ScaledLinear, dot

__all__ = ["Attention", "StepAttention", "Exp2Attention", "attend", "batched_attend"]


class Attention(Protocol):
    """What `attend` and `batched_attend` are made of; totals are exact sums in Q.24."""

    @property
    def word(self) -> Format:
        """Format of queries, keys, values and outputs."""

    @property
    def head_dim(self) -> int:
        """Width of one head."""

    @property
    def exp(self) -> Exp:
        """The exponential that makes the weights."""

    @property
    def query_scale(self) -> int | None:
        """What the query is scaled by where its product is scaled, in the format of RMSNorm's scale."""

    @property
    def divide(self) -> Divide:
        """The division of weighted sums by sums of weights."""

    def query(self, total: int) -> int:
        """Return a word of the query for a total of Wq, with what the arithmetic folds into it."""

    def score(self, total: int) -> int:
        """Return the score for a total of ``q·k``."""

    def weights(self, scores: list[int]) -> list[int]:
        """Return the weights of all positions."""

    def batched_query(self, totals: Ints, saturate: Saturate) -> Ints:
        """Return ``query`` of every element; it saturates as unit ``q``."""

    def batched_score(self, totals: Ints, saturate: Saturate) -> Ints:
        """Return ``score`` of every element."""

    def batched_weights(self, scores: Ints) -> Ints:
        """Return ``weights`` of scores [name, head, position]."""

    def constants(self) -> dict[str, Any]:
        """Return the tables and constants by name."""


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
    query_scale: None = None

    def __post_init__(self) -> None:
        if self.head_dim & (self.head_dim - 1) or self.head_dim.bit_length() % 2 == 0:
            raise ValueError(f"head_dim must be a power of four in talos-v2, not {self.head_dim!r}")

    @property
    def score_shift(self) -> int:
        """Fraction bits that a Q.24 sum loses to become a score."""
        return self.word.fraction + (self.head_dim.bit_length() - 1) // 2

    def query(self, total: int) -> int:
        """Return a word of the query for a total of Wq."""
        return Linear(word=self.word).requantise(total)

    def score(self, total: int) -> int:
        """Return the score for an exact ``q·k``."""
        return self.word.saturate(shift_right(total, self.score_shift, Rounding.FLOOR))

    def weights(self, scores: list[int]) -> list[int]:
        """Return the weights of all positions, UQ1.12."""
        return [self.exp.compute(score - max(scores)) for score in scores]

    def batched_query(self, totals: Ints, saturate: Saturate) -> Ints:
        """Return ``query`` of every element."""
        return Linear(word=self.word).batched_requantise("q", totals, saturate)

    def batched_score(self, totals: Ints, saturate: Saturate) -> Ints:
        """Return ``score`` of every element; it saturates as unit ``score``."""
        return saturate("score", self.word, arrays.shift(totals, self.score_shift, Rounding.FLOOR))

    def batched_weights(self, scores: Ints) -> Ints:
        """Return ``weights`` of scores [name, head, position]."""
        return self.exp.batched_compute(scores - scores.max(axis=-1, keepdims=True))

    def constants(self) -> dict[str, Any]:
        """Return the table of e^(-i/4)."""
        return {"exp": list(EXP_TABLE)}


@dataclass(frozen=True, kw_only=True)
class Exp2Attention:
    """Attention of ``precise``; the query carries ``log2(e) / sqrt(head_dim)``.

        q = ScaledLinear(Wq · x, query_scale)
        t = round((q·k) / 2^12), Q.12, never saturated;  weight = Exp2(t)
        out = ReciprocalDivide(Σ weight·v, Σ weight)

    """

    word: Format
    head_dim: int
    scaled_linear: ScaledLinear
    """Applies ``query_scale``."""
    exp: Exp2
    divide: ReciprocalDivide

    @property
    def query_scale(self) -> int:
        """``log2(e) / sqrt(head_dim)`` in UQ4.13."""
        return round(math.log2(math.e) / math.sqrt(self.head_dim) * (1 << 13))

    def query(self, total: int) -> int:
        """Return a word of the query for a total of Wq."""
        return self.scaled_linear.requantise(total, self.query_scale)

    def score(self, total: int) -> int:
        """Return the exponent for an exact ``q·k``."""
        return shift_right(total, 2 * self.word.fraction - self.exp.fraction, Rounding.NEAREST)

    def weights(self, scores: list[int]) -> list[int]:
        """Return the weights of all positions, UQ1.16."""
        return self.exp.weights(scores)

    def batched_query(self, totals: Ints, saturate: Saturate) -> Ints:
        """Return ``query`` of every element."""
        return self.scaled_linear.batched_requantise("q", totals, self.query_scale, saturate)

    def batched_score(self, totals: Ints, saturate: Saturate) -> Ints:
        """Return ``score`` of every element; nothing saturates."""
        t: Ints = arrays.shift(totals, 2 * self.word.fraction - self.exp.fraction, Rounding.NEAREST)
        return t

    def batched_weights(self, scores: Ints) -> Ints:
        """Return ``weights`` of scores [name, head, position]."""
        return self.exp.batched_weights(scores)

    def constants(self) -> dict[str, Any]:
        """Return the tables of mantissas and reciprocals, and the query's scale."""
        return self.exp.constants() | self.divide.constants() | {"query_scale": self.query_scale}


def attend(attention: Attention, q: Sequence[int], cache: LayerCache) -> list[int]:
    """Return the n_embd outputs of all heads for the query ``q`` over every cached position, words."""
    out = []
    for first in range(0, len(q), attention.head_dim):
        head = slice(first, first + attention.head_dim)
        scores = [attention.score(dot(q[head], key[head])) for key in cache.keys]
        weights = attention.weights(scores)
        for lane in range(first, first + attention.head_dim):
            numerator = sum(weight * value[lane] for weight, value in zip(weights, cache.values, strict=True))
            out.append(attention.divide.compute(numerator, sum(weights)))
    return out


def batched_attend(attention: Attention, q: Ints, keys: Ints, values: Ints, saturate: Saturate) -> Ints:
    """Return the outputs [name, n_embd] of queries [name, n_embd] over keys and values [name, position, n_embd]."""
    by_head = (-1, q.shape[1] // attention.head_dim, attention.head_dim)
    positions = (len(q), -1, *by_head[1:])
    totals = np.einsum("nhd,nphd->nhp", q.reshape(by_head), keys.reshape(positions))
    weights = attention.batched_weights(attention.batched_score(totals, saturate))
    numerator = np.einsum("nhp,nphd->nhd", weights, values.reshape(positions))
    denominator = weights.sum(axis=-1, keepdims=True)  # [name, head, 1]
    return attention.divide.batched_compute(numerator, denominator, saturate).reshape(q.shape)
