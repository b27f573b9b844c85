"""The demo as an initiator: it keeps to Avalon, whatever the registers answer, and its seeds follow each other."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Signal

from hdl.boards.parts.demo import Demo
from hdl.boards.parts.demo_run import FIRST_SEED
from hdl.proof import Always, Circuit, Planted, Property
from hdl.registers.map import register_map
from talos_ref.model.config import MICROGPT

__all__ = ["PROPERTIES"]

_LAST = 4
"""The number of the write that starts a name, after clearing display and core, configuration and seed."""

_SETUP, _STATUS, _LETTER = 1, 3, 6
"""Numbers of states: Amaranth counts them in the order in which the source names them."""

_REQUEST = ("address", "read", "write", "writedata", "byteenable")


def _initiator(circuit: Circuit) -> None:
    """Registers that make it wait as they like, and answer one read at a time with anything."""
    m = circuit.m
    registers = register_map(MICROGPT)
    unit: Any = Demo(registers, cycles=3)
    inside = circuit.unit(unit, "demo")
    bus = unit.bus
    outstanding = Signal(name="outstanding")
    with m.If(bus.read & ~bus.waitrequest):
        m.d.sync += outstanding.eq(1)
    with m.Elif(bus.readdatavalid):
        m.d.sync += outstanding.eq(0)
    circuit.assume(~bus.readdatavalid | outstanding)

    request = Cat(getattr(bus, part) for part in _REQUEST)
    waits, before = Signal(name="waits"), Signal(len(request), name="before")
    m.d.sync += [waits.eq((bus.read | bus.write) & bus.waitrequest), before.eq(request)]

    # Of the name under way: whether it is being set up, and which kind of read is outstanding.
    begun, letters = Signal(name="begun"), registers.register("letters")
    reads_letter = bus.read & (bus.address != registers.register("status").address)
    of_letter = Signal(name="of_letter")
    written = bus.write & ~bus.waitrequest
    with m.If(bus.read & ~bus.waitrequest):
        m.d.sync += of_letter.eq(reads_letter)
    with m.If(unit.report.begin):
        m.d.sync += begun.eq(1)
    with m.Elif(begun & written & (inside["at"] == _LAST)):
        m.d.sync += begun.eq(0)

    # The seed that is written is the number of the name, and is written once for each start.
    names, seeded = Signal(32, name="names"), Signal(name="seeded")
    seed, control = registers.register("seed"), registers.register("control")
    seeds = written & (bus.address == seed.address)
    starts = written & (bus.address == control.address) & bus.writedata[control.field("start").low]
    with m.If(seeds):
        m.d.sync += [names.eq(names + 1), seeded.eq(1)]
    with m.If(starts):
        m.d.sync += seeded.eq(0)
    pushes = bus.write & ~begun
    asks = bus.read | outstanding
    circuit.always(
        ~(bus.read & bus.write),
        ~waits | (request == before),
        # A read begins once the one before it is answered.
        ~outstanding | ~(bus.read | bus.write),
        ~seeds | (bus.writedata == (names + FIRST_SEED)[:32]),
        ~starts | seeded,
        # It reads letters that there are, and pushes as many.
        ~reads_letter | ((bus.address - letters.address)[2:] == inside["letter"]),
        ~(reads_letter | (outstanding & of_letter)) | (inside["letter"] < inside["count"]),
        inside["count"] <= letters.count,
        # What the induction needs besides.
        (inside["fsm_state"] == _SETUP) == begun,
        (inside["fsm_state"] == _STATUS) == (outstanding & ~of_letter),
        (inside["fsm_state"] == _LETTER) == (outstanding & of_letter),
        ~begun | (bus.write & (inside["at"] <= _LAST) & (inside["letter"] == 0)),
        ~(asks | pushes) | (inside["at"] == _LAST + 1),
        ~asks | reads_letter | (outstanding & of_letter) | (inside["letter"] == 0),
        ~pushes | (inside["letter"] <= inside["count"]),
        seeded == (begun & (inside["at"] == _LAST)),
        inside["seed"] == (names + FIRST_SEED - seeded)[:32],
    )


PROPERTIES = (
    Property(
        name="demo.initiator",
        statement="The demo keeps each access until it is accepted, reads one word at a time, and counts its seeds.",
        claim=Always(circuit=_initiator, depth=2, cycles=14),
        planted=Planted(
            module="hdl.boards.parts.demo",
            right="with m.If(bus.readdatavalid):\n                    m.d.sync += count",
            wrong="with m.If(1):\n                    m.d.sync += count",
        ),
    ),
)
