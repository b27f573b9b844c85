"""Tokens a second, as a figure that a host reads: letters times clock over cycles."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl.divide import Divide
from hdl.recurrence import check_width

__all__ = ["TokenRate"]


class TokenRate(wiring.Component):
    """``rate = letters · clock_hz // cycles`` after a request has finished, 0 before.

    Letters are counted in steps of ``clock_hz``, which makes the product without a multiplier; the division is a digit
    recurrence of one bit a cycle.

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
        self.divide = Divide(self.width, 32, self.width, 1)
        self.LATENCY = self.divide.LATENCY
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
        divide = self.divide
        m.submodules.divide = ResetInserter(self.clear)(divide)
        pending, product = Signal(), Signal(self.width)
        m.d.comb += [
            divide.i.valid.eq(pending & ~divide.o.valid),
            divide.i.p.numerator.eq(product),
            divide.i.p.denominator.eq(self.cycles),
            self.busy.eq(pending & ~divide.o.valid),
        ]
        with m.If(divide.o.valid):
            m.d.comb += self.rate.eq(divide.o.payload)
        with m.If(self.letter):
            m.d.sync += product.eq(product + self.clock_hz)
        with m.If(self.finish):
            m.d.sync += pending.eq(1)
        with m.If(self.clear):
            m.d.sync += [pending.eq(0), product.eq(0)]
        return m
