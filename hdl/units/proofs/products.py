"""Products that are made of halves: cut without a gap, and put together where they belong."""

from __future__ import annotations

from amaranth.hdl import Cat, signed

from hdl.proof import Circuit, Everywhere, Planted, Property
from hdl.units.products import WideProduct

__all__ = ["PROPERTIES"]


def _halves(circuit: Circuit) -> None:
    """``(a0 + 2^h·a1)·(b0 + 2^h·b1)``, where the products of halves may be all that they can be."""
    m = circuit.m
    for a_width, b_width in ((17, 15), (17, 24), (24, 22), (32, 19)):
        wide, name = WideProduct(a_width, b_width), f"{a_width}_{b_width}"
        a, b = circuit.free(a_width, f"a{name}"), circuit.free(b_width, f"b{name}")
        port = wide.port().create(path=(f"port{name}",))
        wide.drive(m, port, a, b)
        rows, h = port.signature.rows, wide.half
        cut = [[value[:h], value[h:]] if len(value) > 17 else [value] for value in (a, b)]
        pairs = [(x, y) for x in range(len(cut[0])) for y in range(len(cut[1]))]
        total = 0
        for row, (x, y) in enumerate(pairs):
            result = circuit.free(signed(len(cut[0][x]) + len(cut[1][y]) + 1), f"result{name}_{row}")
            largest = ((1 << len(cut[0][x])) - 1) * ((1 << len(cut[1][y])) - 1)
            circuit.assume(result >= 0, result <= largest)
            m.d.comb += port.results[row][0].eq(result)
            circuit.always(port.a[row][0] == cut[0][x], port.b[row][0] == cut[1][y])
            total += result << h * (x + y)
        assert rows == len(pairs)
        circuit.assume(total <= ((1 << a_width) - 1) * ((1 << b_width) - 1))
        circuit.always(Cat(*cut[0]) == a, Cat(*cut[1]) == b, wide.product(m, port, f"product{name}") == total)


PROPERTIES = (
    Property(
        name="products.halves",
        statement="A wide product is the sum of the products of its halves, each in its place.",
        claim=Everywhere(circuit=_halves),
        planted=Planted(
            module="hdl.units.products",
            right="over[: 2 * h]\n",
            wrong="over[: 2 * h - 1]\n",
        ),
    ),
)
