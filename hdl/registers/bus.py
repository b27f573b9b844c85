"""The end of the bus: accesses out of Avalon, one at a time and through registers, and their answers."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.registers.avalon import ADDRESS_WIDTH, AvalonSignature
from hdl.registers.voted import voted_register

__all__ = ["ACCESS", "RegisterBus"]

ACCESS = data.StructLayout({"word": ADDRESS_WIDTH - 2, "write": 1, "data": 32, "enables": 4})
"""An access: address in words, direction, and what is written with which byte enables."""


class RegisterBus(wiring.Component):
    """Takes an access in every cycle in which no read waits, and answers every read.

    Timing: an access accepted at the end of cycle 0 is executed in cycle 1, so that each one sees the effects of those
    before it. A read samples ``answer`` in that cycle, or in the first later one without ``hold``; the answer is on the
    bus ``LATENCY`` cycles after the acceptance, plus those of ``hold``. ``waitrequest`` comes from registers.

    A reset leaves all this alone: the bus answers while the machine behind it is held in reset. From whatever state it
    is in at power-up it is idle one cycle after the last ``hold``. One that flips loses no access and no answer.

    Members
    -------
    bus : In(AvalonSignature)
    access : Out(ACCESS)
        Valid with ``execute``.
    execute : Out(1)
        Once for a write, and for a read in the cycle in which its answer is sampled.
    written : Out(1)
        ``execute`` of a write, which does not depend on ``hold``.
    answer : In(32)
    hold : In(1)
        The read that waits cannot be answered yet; may depend on ``access``.
    """

    LATENCY = 2

    def __init__(self) -> None:
        super().__init__(
            {
                "bus": In(AvalonSignature()),
                "access": Out(ACCESS),
                "execute": Out(1),
                "written": Out(1),
                "answer": In(32),
                "hold": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        bus, access = self.bus, self.access
        accessed = Signal(ACCESS, reset_less=True, name="accessed")
        # A bit of these that particles flip would lose an access, or its answer, and then the initiator waits for ever.
        writing_next, writing = voted_register(m, "writing")
        reading_next, reading = voted_register(m, "reading")
        answered_next, answered = voted_register(m, "answered")
        answer = Signal(32, reset_less=True, name="answer")

        waits = Signal(name="waits")
        m.d.comb += [waits.eq(reading & self.hold), bus.waitrequest.eq(reading)]
        with m.If(~reading):
            m.d.sync += [
                accessed.word.eq(bus.address[2:]),
                accessed.write.eq(bus.write),
                accessed.data.eq(bus.writedata),
                accessed.enables.eq(bus.byteenable),
            ]
        m.d.comb += [
            writing_next.eq(bus.write & ~reading),
            reading_next.eq((bus.read & ~reading) | waits),
            answered_next.eq(reading & ~waits),
        ]
        m.d.sync += answer.eq(self.answer)
        m.d.comb += [
            access.eq(accessed),
            self.execute.eq(writing | (reading & ~waits)),
            self.written.eq(writing),
            bus.readdata.eq(answer),
            bus.readdatavalid.eq(answered),
        ]
        return m
