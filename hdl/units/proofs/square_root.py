"""The digit recurrence of `SquareRoot`: root, time and handshake."""

from __future__ import annotations

from amaranth.hdl import C, Cat, Mux, Signal

from hdl.proof import Always, Circuit, Planted, Property
from hdl.units.square_root import SquareRoot

__all__ = ["PROPERTIES"]


def _root(circuit: Circuit, width: int, bits_per_cycle: int) -> None:
    """``root² + remainder = v`` and ``remainder <= 2 · root``, which is ``root = isqrt(v)``.

    The square is made beside the unit, by shifts and additions of the digits as they come.
    """
    m, unit = circuit.m, SquareRoot(width, bits_per_cycle)
    inside = circuit.unit(unit, "root")
    latency = unit.LATENCY
    pairs = latency * bits_per_cycle
    left, remainder = inside["left"], inside["remainder"]

    operand = Signal(2 * pairs, name="operand")
    before, square = Signal(2 * unit.root_width, name="before"), Signal(2 * unit.root_width, name="square")
    earlier, root = Signal(unit.root_width, name="earlier"), Signal(unit.root_width, name="found")
    cycle = Signal(range(latency + 1), name="cycle")
    # (2·root + 1)² = 4·root² + 4·root + 1
    made, found = before, earlier
    for place in reversed(range(bits_per_cycle)):
        bit = inside["root"][place]
        made, found = (made << 2) + Mux(bit, Cat(C(1, 2), found), 0), Cat(bit, found)
    m.d.comb += [square.eq(made), root.eq(found)]
    with m.If(inside["first"]):
        m.d.sync += [operand.eq(unit.i.payload), before.eq(0), earlier.eq(0), cycle.eq(1)]
    with m.Elif(left != 0):
        m.d.sync += [before.eq(square), earlier.eq(root), cycle.eq(cycle + 1)]
    with m.Elif(unit.o.valid & unit.o.ready):
        m.d.sync += cycle.eq(0)

    # What has been seen of the operand.
    seen = Signal(2 * pairs, name="seen")
    with m.Switch(cycle):
        for number in range(1, latency + 1):
            with m.Case(number):
                m.d.comb += seen.eq(operand >> 2 * (pairs - number * bits_per_cycle))
    working = (left != 0) | unit.o.valid
    circuit.always(
        ~((left != 0) & unit.o.valid), left < max(latency, 2), (cycle != 0) == working,
        ~working | (cycle + left == latency), operand >> width == 0,
        ~working | (inside["root"] == root), ~working | (remainder <= 2 * root),
        ~working | (seen == square + remainder),
        ~unit.o.valid | ((unit.o.payload == root) & (operand == square + remainder)),
    )  # fmt: skip
    for number in range(1, latency + 1):
        done = number * bits_per_cycle
        to_come = 2 * (pairs - done)
        line = Cat(C(0, 2 * done), operand[:to_come])
        # The digits before the root's first are zeros.
        circuit.always(
            (cycle != number)
            | ((inside["bits"] == line) & (root >> max(done + unit.root_width - pairs, 0) == 0))
        )


_PLANTED = Planted(
    module="hdl.units.square_root",
    right="difference.eq(above - Cat(C(1, 2), found))",
    wrong="difference.eq(above - Cat(C(digit != 1, 2), found))",
)

PROPERTIES = (
    Property(
        name="square_root.small",
        statement="Root and remainder of 8 bits are right, for all operands, in the latency.",
        claim=Always(circuit=lambda circuit: _root(circuit, 8, 2), cycles=5),
        planted=_PLANTED,
        quick=True,
    ),
    Property(
        name="square_root.scale",
        statement="Root and remainder of RMSNorm's mean square in talos-v2, 31 bits, are right, for all operands.",
        claim=Always(circuit=lambda circuit: _root(circuit, 31, 3), cycles=3),
        planted=_PLANTED,
    ),
)
