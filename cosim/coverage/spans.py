"""Spans: what an array of words can be, whatever names are made. They take the place of arrays in the golden model.

The golden model's own formulas run on them, so that a bound is never one of other formulas.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["SpanProduct", "Span"]

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Span:
    """All arrays ``center + terms · s + r`` with every ``|s| <= 1`` and ``|r| <= radius``, element by element.

    Several values that are made of the same symbols ``s`` are bounded together, and so is their sum. Of integers below
    2^53 / 2 all of this is exact in float64, or a last bit away, which `low` and `high` allow for.
    """

    center: Reals
    """[case, element]"""
    terms: Reals
    """[element, symbol]; the same in every case."""
    radius: Reals
    """[case, element] or [element]"""
    floored: Reals | None = None
    """The least before ReLU, where a sum has gone through it since."""

    @staticmethod
    def of(values: npt.ArrayLike) -> Span:
        """Return a span of known values, [case, element]."""
        center = np.asarray(values, dtype=np.float64)
        return Span(center, np.zeros((center.shape[-1], 0)), np.zeros(center.shape[-1]))

    @staticmethod
    def between(low: npt.ArrayLike, high: npt.ArrayLike, *, symbols: bool = False) -> Span:
        """Return the span of all that lies between two arrays; with ``symbols`` (of one case) a symbol an element."""
        low, high = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
        center, radius = (low + high) / 2, (high - low) / 2
        count = center.shape[-1]
        if symbols:
            return Span(center, np.diag(radius[0]), np.zeros(count))
        return Span(center, np.zeros((count, 0)), radius)

    @property
    def reach(self) -> Reals:
        """How far from its center an element can be."""
        found: Reals = np.abs(self.terms).sum(axis=1) + self.radius
        return found

    @property
    def low(self) -> npt.NDArray[np.int64]:
        """The smallest integers."""
        return np.ceil(self.center - self.reach - 1e-6).astype(np.int64)

    @property
    def high(self) -> npt.NDArray[np.int64]:
        """The largest integers."""
        return np.floor(self.center + self.reach + 1e-6).astype(np.int64)

    def __add__(self, other: Any) -> Span:
        if not isinstance(other, Span):
            return Span(self.center + other, self.terms, self.radius, self.floored)
        count = max(self.terms.shape[1], other.terms.shape[1])
        terms = _wide(self.terms, count) + _wide(other.terms, count)
        return Span(self.center + other.center, terms, self.radius + other.radius)

    __radd__ = __add__

    def __mul__(self, other: Any) -> Span:
        if not isinstance(other, Span):
            return Span(self.center * other, self.terms * other, self.radius * np.abs(other))
        ends = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        return Span.between(np.minimum.reduce(ends), np.maximum.reduce(ends))

    __rmul__ = __mul__

    def __lshift__(self, bits: int) -> Span:
        return self * float(1 << bits)

    def __rshift__(self, bits: int) -> Span:
        # The floor of an integer divided by 2^bits is less than a unit below it.
        half = (1 - 2.0**-bits) / 2
        exact = self * 2.0**-bits
        floored = None if self.floored is None else np.floor(self.floored * 2.0**-bits)
        return Span(exact.center - half, exact.terms, exact.radius + half, floored)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, a: Any, b: Any, **kwargs: Any) -> Any:
        if ufunc is np.maximum and method == "__call__":
            return replace(Span.between(np.maximum(a.low, b), np.maximum(a.high, b)), floored=a.low)
        return NotImplemented

    def clip(self, low: float, high: float) -> Span:
        """Return what is left after clipping."""
        if (self.low >= low).all() and (self.high <= high).all():
            return self
        return Span.between(np.clip(self.low, low, high), np.clip(self.high, low, high))


def _wide(terms: Reals, count: int) -> Reals:
    return np.pad(terms, ((0, 0), (0, count - terms.shape[1])))


class SpanProduct:
    """``matrix · x`` for spans, in the place of `talos_ref.golden.arrays.Product`."""

    def __init__(self, matrix: npt.ArrayLike) -> None:
        self.matrix = np.asarray(matrix, dtype=np.float64)

    def __call__(self, x: Span) -> Span:
        return Span(x.center @ self.matrix.T, self.matrix @ x.terms, x.radius @ np.abs(self.matrix).T)
