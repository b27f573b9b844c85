"""Tokens a second, as a figure that a host reads: letters times clock over cycles."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl.units.recurrence import check_width

__all__ = ["TokenRate"]


class TokenRate(wiring.Component):
    """``rate = letters · clock_hz // cycles`` after a request has finished, 0 before.

    Letters are counted in steps of ``clock_hz``, which makes the product without a multiplier. The division is a
    restoring digit recurrence, a bit a cycle, in the product's own register; ``Divide`` would take twice the gates.

    Timing: ``busy`` from the cycle after ``finish`` on, for ``LATENCY`` cycles; then ``rate`` is there, and stays.
    ``clear`` ends all that and makes ``rate`` 0 in the next cycle, whatever else is 1 beside it.

    Parameters
    ----------
    clock_hz : int
        1 to 10^9.
    max_letters : int
        Of one request, 1 to 255.

    Members
    -------
    clear : In(1)
        A request begins.
    letter : In(1)
        It drew a letter; not after ``finish``, but may be in its cycle.
    finish : In(1)
        It has ended; ``cycles``, not 0, is right from the next cycle on and stays.
    cycles : In(32)
    rate : Out(32)
    busy : Out(1)

    Raises TypeError or ValueError for a parameter out of range.
    """

    def __init__(self, *, clock_hz: int, max_letters: int) -> None:
        check_width("clock_hz", clock_hz, 1_000_000_000)
        check_width("max_letters", max_letters, 255)
        self.clock_hz = clock_hz
        self.width = (clock_hz * max_letters).bit_length()
        self.LATENCY = self.width
        super().__init__(
            {
                "clear": In(1),
                "letter": In(1),
                "finish": In(1),
                "cycles": In(32),
                "rate": Out(32),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        # Bits of the product still to come on the left, those of the quotient on the right.
        line = Signal(self.width, name="line")
        remainder = Signal(32, name="remainder")
        left = Signal(range(self.width + 1), name="left")
        finished = Signal(name="finished")
        # The remainder is below the cycles, so that bit 32 of the difference is its sign.
        above = Signal(33, name="above")
        difference = Signal(33, name="difference")
        m.d.comb += [
            above.eq(Cat(line[-1], remainder)),
            difference.eq(above - self.cycles),
            self.busy.eq(left.any()),
        ]
        with m.If(finished & ~self.busy):
            m.d.comb += self.rate.eq(line)
        with m.If(self.busy):
            m.d.sync += [
                left.eq(left - 1),
                line.eq(Cat(~difference[-1], line[:-1])),
                remainder.eq(Mux(difference[-1], above, difference)),
            ]
        with m.If(self.letter):
            m.d.sync += line.eq(line + self.clock_hz)
        with m.If(self.finish):
            m.d.sync += [left.eq(self.width), finished.eq(1)]
        with m.If(self.clear):
            m.d.sync += [line.eq(0), remainder.eq(0), left.eq(0), finished.eq(0)]
        return m
