"""What the board does without a host: a name a second on the display, made through the same registers."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl.boards.parts.demo_run import (
    FIRST_SEED,
    check_cycles,
    offer_read,
    offer_write,
    offered_writes,
    run_due,
    settings,
)
from hdl.boards.parts.name_text import NameSignature
from hdl.registers.avalon import AvalonSignature
from hdl.registers.map import RegisterMap

__all__ = ["Demo"]


class Demo(wiring.Component):
    """An Avalon initiator that starts a name every ``cycles`` cycles and pushes its letters to the display.

    Seeds are 1, 2, 3 and so on. A name: display cleared, core cleared, configuration, seed and start written, status
    polled until done, each letter read and pushed. A name that takes longer than ``cycles`` delays the next.

    Names are as long as the model makes them, at temperature 0.5.

    Parameters
    ----------
    registers
        The map of the design.
    cycles
        From one name to the next; a positive integer.

    Members
    -------
    enable : In(1)
        A name under way ends, the next waits.
    bus : Out(AvalonSignature())
    report : Out(NameSignature())
        What is made, for another kind of display.

    Raises TypeError or ValueError for ``cycles`` out of range.
    """

    def __init__(self, registers: RegisterMap, *, cycles: int) -> None:
        check_cycles(cycles)
        self.registers, self.cycles = registers, cycles
        super().__init__({"enable": In(1), "bus": Out(AvalonSignature()), "report": Out(NameSignature())})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        bus: Any = self.bus
        register = self.registers.register
        control, status, display = register("control"), register("status"), register("hex")
        letters = register("letters")
        seed = Signal(32, init=FIRST_SEED, name="seed")
        writes = (
            (display.address, Const(display.encode(clear=1))),
            (control.address, Const(control.encode(clear=1))),
            *settings(self.registers, seed),
            (control.address, Const(control.encode(start=1))),
        )
        due = run_due(m, self.cycles)

        at = Signal(range(len(writes)), name="at")
        letter = Signal(range(letters.count + 1), name="letter")
        count = Signal(range(letters.count + 1), name="count")
        token = Signal(display.field("token").width, name="token")
        state = Signal(8, name="state")
        m.d.comb += [bus.byteenable.eq(0b1111), state.eq(bus.readdata >> status.field("letters").low)]
        with m.FSM():
            with m.State("WAIT"):
                m.d.sync += [at.eq(0), letter.eq(0)]
                with m.If(due & self.enable):
                    m.d.comb += self.report.begin.eq(1)
                    m.d.sync += due.eq(0)
                    m.next = "SETUP"
            with m.State("SETUP"), offered_writes(m, bus, writes, at):
                m.d.sync += seed.eq(seed + 1)
                m.next = "POLL"
            with m.State("POLL"), m.If(offer_read(m, bus, status.address)):
                m.next = "STATUS"
            with m.State("STATUS"):
                with m.If(bus.readdatavalid):
                    m.d.sync += count.eq(Mux(state > letters.count, letters.count, state))
                    m.next = "POLL"
                    with m.If(bus.readdata[status.field("done").low]):
                        m.next = "NEXT"
            with m.State("NEXT"):
                m.next = "WAIT"
                m.d.comb += self.report.end.eq(letter == count)
                with m.If(letter != count):
                    m.next = "READ"
            with m.State("READ"), m.If(offer_read(m, bus, letters.address + (letter << 2))):
                m.next = "LETTER"
            with m.State("LETTER"):
                with m.If(bus.readdatavalid):
                    m.d.sync += [token.eq(bus.readdata), letter.eq(letter + 1)]
                    m.next = "PUSH"
            with m.State("PUSH"):
                push = display.encode(push=1) | (token << display.field("token").low)
                accepted = offer_write(m, bus, display.address, push)
                m.d.comb += [self.report.token.eq(token), self.report.push.eq(accepted)]
                with m.If(accepted):
                    m.next = "NEXT"
        return m
