"""Division: an unsigned restoring digit recurrence, several quotient bits a cycle."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import C, Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.units.recurrence import check_width, recur

__all__ = ["Divide"]


class Divide(wiring.Component):
    """Exact unsigned division, ``quotient = numerator // denominator``.

    The quotient has to fit: ``numerator >> quotient_width < denominator``, so that the remainder never needs more bits
    than the denominator. Operands that break this (a denominator of 0 does) give a meaningless quotient in the same
    time.

    Timing: the quotient is offered ``LATENCY = ceil(quotient_width / bits_per_cycle)`` cycles after the operands are
    accepted, and operands can be accepted every ``LATENCY`` cycles. Respects backpressure. The first digits are made in
    the accepting cycle, straight from the operands, which should come from registers; a cycle is a multiplexer and
    ``bits_per_cycle`` subtractions long, from the operands only as many as the first cycle makes quotient bits.

    Parameters
    ----------
    numerator_width, denominator_width, quotient_width : int
        Bits, 1 to 64.
    bits_per_cycle : int
        Quotient bits made in a cycle, 1 to 8.

    Raises TypeError or ValueError for a parameter out of range.

    Members
    -------
    i : In(stream of {numerator, denominator})
    o : Out(stream of unsigned(quotient_width))
    """

    def __init__(
        self, numerator_width: int, denominator_width: int, quotient_width: int, bits_per_cycle: int
    ) -> None:
        check_width("numerator_width", numerator_width, 64)
        check_width("denominator_width", denominator_width, 64)
        check_width("quotient_width", quotient_width, 64)
        check_width("bits_per_cycle", bits_per_cycle, 8)
        self.numerator_width = numerator_width
        self.denominator_width = denominator_width
        self.quotient_width = quotient_width
        self.bits_per_cycle = bits_per_cycle
        self.LATENCY = -(-quotient_width // bits_per_cycle)
        operands = data.StructLayout({"numerator": numerator_width, "denominator": denominator_width})
        super().__init__(
            {"i": In(stream.Signature(operands)), "o": Out(stream.Signature(unsigned(quotient_width)))}
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        width = self.denominator_width
        # Leading zeros fill the quotient up to whole steps.
        digits = self.LATENCY * self.bits_per_cycle
        zeros = digits - self.quotient_width
        numerator = Cat(self.i.p.numerator, C(0, digits + width))

        remainder = Signal(width, name="remainder")
        divisor = Signal(width, name="divisor")
        # Numerator bits still to come on the left, quotient bits made on the right.
        bits = Signal(digits, name="bits")

        idle, step = recur(m, self.i, self.o, self.LATENCY)
        by = Signal(width, name="by")
        m.d.comb += by.eq(Mux(idle, self.i.p.denominator, divisor))
        rest, line, subtrahend = remainder, bits, divisor
        for digit in range(self.bits_per_cycle):
            if digit == zeros:
                # The operands come in behind the digits that are known, whose subtractions they need not wait for.
                high = numerator[self.quotient_width : self.quotient_width + width]
                rest = Mux(idle, high, rest)
                line = Mux(idle, Cat(C(0, zeros), numerator[: self.quotient_width]), line)
                subtrahend = by
            above = Signal(width + 1, name=f"above_{digit}")
            # The remainder is below the divisor, so twice it less the divisor has a sign bit and width bits.
            difference = Signal(width + 2, name=f"difference_{digit}")
            m.d.comb += [above.eq(Cat(line[-1], rest)), difference.eq(above - subtrahend)]
            rest = Mux(difference[-1], above[:width], difference[:width])
            line = Cat(~difference[-1], line[:-1])

        with m.If(step):
            m.d.sync += [remainder.eq(rest), bits.eq(line), divisor.eq(by)]
        m.d.comb += self.o.payload.eq(bits)
        return m
