"""Sums and products of adders: no bit is lost."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import C, Value, signed, unsigned

from hdl.proof import Circuit, Everywhere, Planted, Property
from hdl.units.adders import adder_tree, carry_save, partial_products, sum_partial_products

__all__ = ["PROPERTIES"]


def _sum(circuit: Circuit) -> None:
    for count, shape in ((27, unsigned(17)), (8, signed(37)), (5, signed(4))):
        terms = [circuit.free(shape, f"term{count}_{number}") for number in range(count)]
        circuit.always(adder_tree(circuit.m, terms, f"tree{count}") == _wide_sum(terms))


def _wide_sum(terms: Sequence[Value]) -> Value:
    """Return a sum of neighbours, and of neighbouring sums, all of it in 64 bits."""
    if len(terms) == 1:
        return terms[0]
    pairs = [sum(terms[first : first + 2], C(0, 64))[:64].as_signed() for first in range(0, len(terms), 2)]
    return _wide_sum(pairs)


def _product(circuit: Circuit) -> None:
    for bits, shape in ((6, signed(6)), (5, unsigned(5))):
        value, factor = circuit.free(shape, f"value{bits}"), circuit.free(bits, f"factor{bits}")
        terms = partial_products(circuit.m, value, factor, f"partial{bits}")
        circuit.always(sum_partial_products(circuit.m, terms, f"product{bits}") == value * factor)


def _carry_save(circuit: Circuit) -> None:
    a, b, c = (circuit.free(shape, f"carry_save_{shape.width}") for shape in (signed(16), unsigned(9), signed(17)))
    total, carries = carry_save(circuit.m, a, b, c, 18, "saved")
    circuit.always((total + carries)[:18] == _wide_sum([a, b, c])[:18])
    # The place below the carries is free.
    circuit.always(~carries[0])


PROPERTIES = (
    Property(
        name="adders.sum",
        statement="A tree of 27 weights, of 8 products or of 5 small terms is their sum, as wide as that can be.",
        claim=Everywhere(circuit=_sum),
        planted=Planted(
            module="hdl.units.adders",
            right="node = Signal(total.shape(), name=name",
            wrong="node = Signal(a.shape(), name=name",
        ),
        quick=True,
    ),
    Property(
        name="adders.product",
        statement="The partial products of 6 by 6 signed and of 5 by 5 unsigned bits add up to the product.",
        claim=Everywhere(circuit=_product),
        planted=Planted(
            module="hdl.units.adders",
            right="Mux(digit[0], triple, value << 1), once) if",
            wrong="Mux(digit[0], triple, value), once) if",
        ),
    ),
    Property(
        name="adders.carry_save",
        statement="Sum and carries of three terms, signed or not, add up to them; the lowest carry is 0.",
        claim=Everywhere(circuit=_carry_save),
        planted=Planted(module="hdl.units.adders", right="(a & b) | (a & c) | (b & c)", wrong="(a & b) | (a & c)"),
        quick=True,
    ),
)
