"""The first maximum of many words, combinational."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import C, Module, Mux, Signal, Value, signed

__all__ = ["first_maximum"]


def first_maximum(m: Module, values: Sequence[Any], name: str = "") -> tuple[Value, Value]:
    """Return (index, value) of the first maximum of equally wide signed ``values``.

    A tree of nodes of three: all three comparisons of a node are made at once, so that 27 words take three levels of
    comparison and choice. ``name`` begins the names of its signals. Raises ValueError if there is no value.
    """
    if not values:
        raise ValueError("values must not be empty")
    shape = signed(len(Value.cast(values[0])))
    bits, prefix = range(len(values)), f"{name}_" if name else ""
    nodes: list[tuple[Value, Value]] = [(C(index, bits), Value.cast(value)) for index, value in enumerate(values)]
    level = 0
    while len(nodes) > 1:
        above = []
        for place in range(0, len(nodes), 3):
            group = nodes[place : place + 3]
            if len(group) > 1:
                index = Signal(bits, name=f"{prefix}argmax_{level}_{place // 3}")
                value = Signal(shape, name=f"{prefix}max_{level}_{place // 3}")
                m.d.comb += [index.eq(_choose(group, 0)), value.eq(_choose(group, 1))]
                group = [(index, value)]
            above.append(group[0])
        nodes = above
        level += 1
    return nodes[0]


def _choose(group: Sequence[tuple[Value, Value]], part: int) -> Any:
    """Return index or value of the first maximum of two or three nodes."""
    a, b = group[0], group[1]
    if len(group) == 2:
        return Mux(_below(a[1], b[1]), b[part], a[part])
    c = group[2]
    # Where a is not the maximum, it loses to the larger of b and c, so b against c decides.
    return Mux(_below(a[1], b[1]) | _below(a[1], c[1]), Mux(_below(b[1], c[1]), c[part], b[part]), a[part])


def _below(a: Value, b: Value) -> Value:
    """Return ``a < b`` as the sign of a difference, which a carry chain makes; Yosys puts a comparison into tables."""
    return (a - b)[-1]
