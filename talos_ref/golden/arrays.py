"""Integer arrays: what the batched forms of the units are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from talos_ref.golden.format import Format, Rounding, shift_right

__all__ = [
    "Ints",
    "Saturate",
    "Product",
    "saturate",
    "within",
    "requantise",
    "add",
    "shift",
    "shift_nearest",
    "bit_length",
]

Ints = npt.NDArray[np.int64]

Saturate = Callable[[str, Format, Ints], Ints]
"""Saturates the values of a unit, named for whoever counts, to a format: `saturate`, or `clipping.ClipCounter`."""

shift: Callable[[Any, int, Rounding], Any] = shift_right
"""The plain shift holds for arrays as it stands: it only adds and shifts."""


def saturate(unit: str, format: Format, values: Ints) -> Ints:
    """Return ``Format.saturate`` of every element; the unit's name is not needed for that."""
    result: Ints = np.clip(values, format.low, format.high)
    return result


def within(at: str, saturate: Saturate) -> Saturate:
    """Return ``saturate`` with the prefix ``at`` before the names of units."""
    return lambda unit, format, values: saturate(at + unit, format, values)


def requantise(unit: str, format: Format, values: Ints, fraction: int, saturate: Saturate) -> Ints:
    """Return ``Format.requantise`` of every element; ``fraction`` is what the elements have."""
    return saturate(unit, format, shift(values, fraction - format.fraction, format.rounding))


def add(unit: str, word: Format, a: Ints, b: Ints, saturate: Saturate) -> Ints:
    """Return the saturated sum."""
    return saturate(unit, word, a + b)


def bit_length(values: Ints) -> Ints:
    """Return ``int.bit_length`` of every element, from 0 to 2^53 - 1."""
    return np.frexp(values.astype(np.float64))[1].astype(np.int64)


def shift_nearest(values: Ints, bits: Ints) -> Ints:
    """Return ``values / 2^bits`` to nearest, halves up, element by element."""
    return (values + ((1 << bits) >> 1)) >> bits


class Product:
    """``matrix · x`` for many vectors: exact sums [name, rows] from words [name, columns].

    Float64 holds the sums exactly: at most 1,024 products of two 18-bit words, each at most 2^34, stay under 2^53.
    """

    def __init__(self, matrix: npt.ArrayLike) -> None:
        self.transposed = np.ascontiguousarray(np.asarray(matrix, dtype=np.float64).T)
        # OpenBLAS wakes its threads from 2^18 multiplications on, which takes several times as long as the product.
        self.block = max(1, (1 << 18) // self.transposed.size - 1)

    def __call__(self, x: Ints) -> Ints:
        vectors = x.astype(np.float64)
        sums = np.empty((len(x), self.transposed.shape[1]))
        for start in range(0, len(x), self.block):
            block = slice(start, start + self.block)
            np.matmul(vectors[block], self.transposed, out=sums[block])
        return sums.astype(np.int64)
