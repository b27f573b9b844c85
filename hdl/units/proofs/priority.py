"""The first set bit of many, and of large values the first: trees against what they stand for."""

from __future__ import annotations

from amaranth.hdl import C, Cat

from hdl.proof import Circuit, Everywhere, Planted, Property
from hdl.units.priority import first_index, first_set, several

__all__ = ["PROPERTIES"]


def _first(circuit: Circuit) -> None:
    for width in (2, 3, 27, 32):
        bits = circuit.free(width, f"bits{width}")
        found, index = first_index(circuit.m, bits, f"index{width}")
        one = C(1, width) << index
        circuit.always(
            found == (bits != 0),
            ~found | ((bits & one != 0) & (bits & (one - 1) == 0)),
            first_set(circuit.m, bits, f"set{width}") == (bits & Cat(~bits + 1)[:width]),
            several(bits) == (bits & (bits - 1)[:width] != 0),
        )


PROPERTIES = (
    Property(
        name="priority.first",
        statement="The index of the first of 2 to 32 bits, the bit alone, and whether there are several, are right.",
        claim=Everywhere(circuit=_first),
        planted=Planted(
            module="hdl.units.priority",
            right="return several(low) | several(high) | (low.any() & high.any())",
            wrong="return several(low) | several(high)",
        ),
    ),
)
