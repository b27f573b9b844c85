"""One of several values, by an index."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Array, C, Value

__all__ = ["choose"]


def choose(values: Sequence[Value], index: Value) -> Value:
    """Return ``values[index]``, 0 of none; Amaranth indexes an array of less than two by a wire without bits."""
    if len(values) < 2:
        return values[0] if values else C(0)
    chosen: Value = Array(values)[index]
    return chosen
