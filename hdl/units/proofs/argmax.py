"""The first maximum: no smaller than any value, and larger than all before it."""

from __future__ import annotations

from amaranth.hdl import Array, signed

from hdl.proof import Circuit, Everywhere, Planted, Property
from hdl.units.argmax import first_maximum

__all__ = ["PROPERTIES"]


def _first_maximum(circuit: Circuit) -> None:
    for count, width in ((4, 16), (9, 8), (27, 4)):
        values = [circuit.free(signed(width), f"value{count}_{number}") for number in range(count)]
        index, top = first_maximum(circuit.m, values, f"of{count}")
        circuit.always(index < count, Array(values)[index] == top)
        for number, value in enumerate(values):
            circuit.always(top >= value, (index <= number) | (top > value))


PROPERTIES = (
    Property(
        name="argmax.first_maximum",
        statement="Of 4 words of 16 bits, 9 of 8 and 27 of 4, the first maximum is found, with its index.",
        claim=Everywhere(circuit=_first_maximum),
        planted=Planted(
            module="hdl.units.argmax",
            right="return Mux(_below(a[1], b[1]), b[part], a[part])",
            wrong="return Mux(_below(b[1], a[1]), a[part], b[part])",
        ),
    ),
)
