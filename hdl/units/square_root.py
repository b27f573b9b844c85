"""Integer square root: a restoring digit recurrence, several root bits a cycle."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import C, Cat, Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.units.recurrence import check_width, recur

__all__ = ["SquareRoot"]


class SquareRoot(wiring.Component):
    """Floored square root of an unsigned number, ``root = isqrt(v)``.

    Timing: the root is offered ``LATENCY = ceil(ceil(width / 2) / bits_per_cycle)`` cycles after ``v`` is accepted, and
    a ``v`` can be accepted every ``LATENCY`` cycles. Respects backpressure. The first digits are made in the accepting
    cycle, straight from ``v``, which should come from registers; a cycle is a multiplexer and ``bits_per_cycle``
    subtractions long.

    Parameters
    ----------
    width : int
        Bits of ``v``, 1 to 64.
    bits_per_cycle : int
        Root bits made in a cycle, 1 to 8.

    Raises TypeError or ValueError for a parameter out of range.

    Members
    -------
    i : In(stream of unsigned(width))
    o : Out(stream of unsigned(ceil(width / 2)))
    """

    def __init__(self, width: int, bits_per_cycle: int) -> None:
        check_width("width", width, 64)
        check_width("bits_per_cycle", bits_per_cycle, 8)
        self.width = width
        self.bits_per_cycle = bits_per_cycle
        self.root_width = -(-width // 2)
        self.LATENCY = -(-self.root_width // bits_per_cycle)
        super().__init__(
            {"i": In(stream.Signature(unsigned(width))), "o": Out(stream.Signature(unsigned(self.root_width)))}
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        width = self.root_width
        # Leading zeros fill the root up to whole steps.
        pairs = self.LATENCY * self.bits_per_cycle
        operand = Cat(self.i.payload, C(0, 2 * pairs))[: 2 * pairs]

        # v - root² for the bits of v seen so far; at most 2·root.
        remainder = Signal(width + 1, name="remainder")
        root = Signal(width, name="root")
        # Bits of v still to come, two a digit.
        bits = Signal(2 * pairs, name="bits")

        idle, step = recur(m, self.i, self.o, self.LATENCY)
        rest = Mux(idle, 0, remainder)
        found = Mux(idle, 0, root)
        line = Mux(idle, operand, bits)
        for digit in range(self.bits_per_cycle):
            above = Signal(width + 3, name=f"above_{digit}")
            difference = Signal(width + 4, name=f"difference_{digit}")
            # (2·root + 1)² = 4·root² + (4·root + 1): appending a 1 costs 4·root + 1.
            m.d.comb += [above.eq(Cat(line[-2:], rest)), difference.eq(above - Cat(C(1, 2), found))]
            rest = Mux(difference[-1], above, difference)[: width + 1]
            found = Cat(~difference[-1], found[: width - 1])
            line = Cat(C(0, 2), line[:-2])

        with m.If(step):
            m.d.sync += [remainder.eq(rest), root.eq(found), bits.eq(line)]
        m.d.comb += self.o.payload.eq(root)
        return m
