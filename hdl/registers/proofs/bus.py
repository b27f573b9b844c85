"""The end of the bus: it never hangs, and executes and answers what it has accepted, from any state."""

from __future__ import annotations

from amaranth.hdl import Cat, Mux, Signal

from hdl.proof import Always, Circuit, Planted, Property
from hdl.registers.bus import ACCESS, RegisterBus

__all__ = ["PROPERTIES"]


def _accesses(circuit: Circuit) -> None:
    """An initiator that keeps to Avalon, a machine that holds an answer back as long as it likes, and resets.

    What is accepted once the bus has been free is known; `_hang` says that it will be.
    """
    m, unit = circuit.m, RegisterBus()
    circuit.unit(unit, "end")
    bus, access = unit.bus, unit.access
    accepted = Signal(ACCESS.size, reset_less=True, name="accepted")
    waiting, writing = Signal(reset_less=True, name="waiting"), Signal(reset_less=True, name="writing")
    given, answer = Signal(reset_less=True, name="given"), Signal(32, reset_less=True, name="given_answer")
    started = Signal(reset_less=True, name="started")
    circuit.assume(~(bus.read & bus.write))

    m.d.sync += [given.eq(waiting & ~unit.hold), answer.eq(unit.answer)]
    with m.If(~bus.waitrequest):
        m.d.sync += [started.eq(1), waiting.eq(bus.read), writing.eq(bus.write)]
        m.d.sync += accepted.eq(Cat(bus.address[2:], bus.write, bus.writedata, bus.byteenable))
    with m.Elif(started):
        m.d.sync += [waiting.eq(waiting & unit.hold), writing.eq(0)]
    circuit.always(
        ~started | (bus.waitrequest == waiting),
        ~started | (unit.execute == (writing | (waiting & ~unit.hold))),
        ~started | (unit.written == writing),
        ~started | ~(writing | waiting) | (access.as_value() == accepted),
        ~given | (bus.readdatavalid & (bus.readdata == answer)),
        ~(waiting & writing), started | ~(waiting | writing | given),
    )


def _hang(circuit: Circuit) -> None:
    """Whatever the state: the bus waits one cycle longer than an answer is held back."""
    m, unit = circuit.m, RegisterBus()
    circuit.unit(unit, "end")
    bus = unit.bus
    waited = Signal(2, reset_less=True, name="waited")
    m.d.sync += waited.eq(Mux(bus.waitrequest & ~unit.hold, waited + 1, 0))
    circuit.always(waited <= 1)


PROPERTIES = (
    Property(
        name="bus.never_hangs",
        statement="From any state, and in a reset, the bus is free a cycle after no answer is held back.",
        claim=Always(circuit=_hang, cycles=4, any_state=("end",)),
        planted=Planted(
            module="hdl.registers.bus",
            right="reading_next.eq((bus.read & ~reading) | waits)",
            wrong="reading_next.eq(bus.read | waits)",
        ),
        quick=True,
    ),
    Property(
        name="bus.accesses",
        statement="From any state every accepted access is executed once, and every accepted read answered once.",
        claim=Always(circuit=_accesses, depth=2, cycles=5, any_state=("end",)),
        planted=Planted(
            module="hdl.registers.bus",
            right="writing_next.eq(bus.write & ~reading)",
            wrong="writing_next.eq(bus.write)",
        ),
        quick=True,
    ),
)
