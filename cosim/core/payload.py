"""Flat payload vectors of the core's ports, packed and unpacked by the very layouts that the circuit is built from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Shape
from amaranth.lib.data import Layout

__all__ = ["Digits", "Ints", "Packing", "Slot", "integers"]

Digits = npt.NDArray[np.uint8]
"""Binary digits as characters [vector, digit], most significant first."""
Ints = npt.NDArray[np.int64]

_ZERO = ord("0")


@dataclass(frozen=True)
class Slot:
    """One integer inside a flat vector: ``width`` bits from bit ``offset`` up."""

    offset: int
    width: int
    signed: bool

    def decode(self, bits: str) -> int | str:
        """Return the integer in ``bits`` (most significant first), or its digits if one of them is X or Z."""
        end = len(bits) - self.offset
        part = bits[end - self.width : end]
        if part.strip("01"):
            return part
        value = int(part, 2)
        return value - (1 << self.width) if self.signed and part[0] == "1" else value


class Packing:
    """A layout of integers as the simulator sees it: one vector, the first field in its lowest bits.

    Parameters
    ----------
    layout
        An Amaranth layout, or a class with one; nested layouts become names joined as ``stages[3]`` and ``a.b``.

    Raises TypeError if it is no layout.
    """

    def __init__(self, layout: Any) -> None:
        self.slots = dict(_slots(Layout.cast(layout), "", 0))
        self.width: int = Shape.cast(layout).width

    def pack(self, values: Mapping[str, int]) -> int:
        """Return the vector that holds ``values``; ValueError unless every field is given and fits."""
        if values.keys() != self.slots.keys():
            wrong = sorted(values.keys() ^ self.slots.keys())
            raise ValueError(f"fields must be {', '.join(self.slots)}; missing or unknown: {', '.join(wrong)}")
        word = 0
        for name, slot in self.slots.items():
            value = values[name]
            low = -(1 << (slot.width - 1)) if slot.signed else 0
            if not low <= value < low + (1 << slot.width):
                raise ValueError(f"{name} must be {low} to {low + (1 << slot.width) - 1}, not {value!r}")
            word |= (value & ((1 << slot.width) - 1)) << slot.offset
        return word

    def bits(self, values: Mapping[str, int]) -> str:
        """Return the vector that holds ``values`` as binary digits, most significant first."""
        return f"{self.pack(values):0{self.width}b}"

    def digits(self, values: Mapping[str, Ints]) -> Digits:
        """Return many vectors at once, as `bits` of each; errors as `pack`."""
        if values.keys() != self.slots.keys():
            wrong = sorted(values.keys() ^ self.slots.keys())
            raise ValueError(f"fields must be {', '.join(self.slots)}; missing or unknown: {', '.join(wrong)}")
        count = len(next(iter(values.values())))
        found = np.full((count, self.width), _ZERO, dtype=np.uint8)
        for name, slot in self.slots.items():
            column = np.asarray(values[name], dtype=np.int64)
            low = -(1 << (slot.width - 1)) if slot.signed else 0
            wrong_ones = column[(column < low) | (column >= low + (1 << slot.width))]
            if len(wrong_ones):
                text = f"{name} must be {low} to {low + (1 << slot.width) - 1}, not {int(wrong_ones[0])}"
                raise ValueError(text)
            end = self.width - slot.offset
            bits = np.unpackbits(column.astype(">i8").view(np.uint8).reshape(count, 8), axis=1)
            found[:, end - slot.width : end] = bits[:, 64 - slot.width :] + _ZERO
        return found

    def columns(self, digits: Digits) -> dict[str, Ints]:
        """Return name -> integers of many vectors; none of them may have a digit X or Z, or a field above 63 bits."""
        found = {}
        for name, slot in self.slots.items():
            end = self.width - slot.offset
            part = digits[:, end - slot.width : end]
            value = integers(part)
            found[name] = np.where(part[:, 0] == _ZERO, value, value - (1 << slot.width)) if slot.signed else value
        return found

    def unpack(self, bits: str) -> dict[str, int | str]:
        """Return name -> integer of a vector of binary digits; a field with X or Z stays digits."""
        if len(bits) != self.width:
            raise ValueError(f"bits must number {self.width}, not {len(bits)!r}")
        return {name: slot.decode(bits) for name, slot in self.slots.items()}


def _slots(layout: Layout, prefix: str, offset: int) -> list[tuple[str, Slot]]:
    found: list[tuple[str, Slot]] = []
    for key, field in layout:
        name = f"{prefix}[{key}]" if isinstance(key, int) else f"{prefix}.{key}" if prefix else str(key)
        at = offset + field.offset
        try:
            found += _slots(Layout.cast(field.shape), name, at)
        except TypeError:
            shape = Shape.cast(field.shape)
            found.append((name, Slot(at, shape.width, shape.signed)))
    return found


def integers(digits: Digits) -> Ints:
    """Return the unsigned integers that binary digits [vector, digit] stand for, 63 of them at most."""
    bits = np.zeros((len(digits), 64), dtype=np.uint8)
    bits[:, 64 - digits.shape[1] :] = digits - _ZERO
    return np.packbits(bits, axis=1).view(">i8").reshape(-1).astype(np.int64)
