"""What the board does without a host: a name a second on the display, made through the same registers."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl.boards.parts.name_text import NameSignature
from hdl.registers.avalon import AvalonSignature
from hdl.registers.map import TEMPERATURE, RegisterMap

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
    """

    FIRST_SEED = 1

    def __init__(self, registers: RegisterMap, *, cycles: int) -> None:
        if not isinstance(cycles, int) or isinstance(cycles, bool):
            raise TypeError(f"cycles must be an integer, not {cycles!r}")
        if cycles < 1:
            raise ValueError(f"cycles must be positive, not {cycles!r}")
        self.registers, self.cycles = registers, cycles
        super().__init__({"enable": In(1), "bus": Out(AvalonSignature()), "report": Out(NameSignature())})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        bus: Any = self.bus
        register = self.registers.register
        control, status, display = register("control"), register("status"), register("hex")
        letters = register("letters")
        seed = Signal(32, init=self.FIRST_SEED, name="seed")
        configuration = register("config").encode(limit=self.registers.model.max_letters, temperature=TEMPERATURE)
        writes = (
            (display.address, Const(display.encode(clear=1))),
            (control.address, Const(control.encode(clear=1))),
            (register("config").address, Const(configuration)),
            (register("seed").address, seed),
            (control.address, Const(control.encode(start=1))),
        )
        addresses = Array(Const(address, len(bus.address)) for address, _ in writes)
        values = Array(value for _, value in writes)

        left = Signal(range(self.cycles), name="left")
        due = Signal(init=1, name="due")
        with m.If(left == 0):
            m.d.sync += [left.eq(self.cycles - 1), due.eq(1)]
        with m.Else():
            m.d.sync += left.eq(left - 1)

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
            with m.State("SETUP"):
                m.d.comb += [bus.write.eq(1), bus.address.eq(addresses[at]), bus.writedata.eq(values[at])]
                with m.If(~bus.waitrequest):
                    m.d.sync += at.eq(at + 1)
                    with m.If(at == len(writes) - 1):
                        m.d.sync += seed.eq(seed + 1)
                        m.next = "POLL"
            with m.State("POLL"):
                m.d.comb += [bus.read.eq(1), bus.address.eq(status.address)]
                with m.If(~bus.waitrequest):
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
            with m.State("READ"):
                m.d.comb += [bus.read.eq(1), bus.address.eq(letters.address + (letter << 2))]
                with m.If(~bus.waitrequest):
                    m.next = "LETTER"
            with m.State("LETTER"):
                with m.If(bus.readdatavalid):
                    m.d.sync += [token.eq(bus.readdata), letter.eq(letter + 1)]
                    m.next = "PUSH"
            with m.State("PUSH"):
                push = display.encode(push=1) | (token << display.field("token").low)
                m.d.comb += [bus.write.eq(1), bus.address.eq(display.address), bus.writedata.eq(push)]
                m.d.comb += [self.report.token.eq(token), self.report.push.eq(~bus.waitrequest)]
                with m.If(~bus.waitrequest):
                    m.next = "NEXT"
        return m
