"""Two initiators before one target: each is answered for what it has asked, and nobody else."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Signal

from hdl.boards.parts.bus_multiplexer import BusMultiplexer
from hdl.proof import Always, Circuit, Planted, Property

__all__ = ["PROPERTIES"]

_REQUEST = ("address", "read", "write", "writedata", "byteenable")


def _answers(circuit: Circuit) -> None:
    """Initiators that keep to Avalon, a target that answers a read when it likes, and accepts nothing until then."""
    m = circuit.m
    unit: Any = BusMultiplexer()
    inside = circuit.unit(unit, "multiplexer")
    bus = unit.bus
    outstanding, asker = Signal(reset_less=True, name="outstanding"), Signal(reset_less=True, name="asker")
    accepted = bus.read & ~bus.waitrequest
    with m.If(unit.restart):
        m.d.sync += outstanding.eq(0)
    with m.Elif(accepted):
        m.d.sync += [outstanding.eq(1), asker.eq(unit.host_owns)]
    with m.Elif(bus.readdatavalid):
        m.d.sync += outstanding.eq(0)
    circuit.assume(~bus.readdatavalid | outstanding)
    circuit.assume(~outstanding | bus.readdatavalid | bus.waitrequest)
    for name, source in (("host", unit.host), ("demo", unit.demo)):
        request = Cat(getattr(source, part) for part in _REQUEST)
        waits, before = Signal(reset_less=True, name=f"{name}_waits"), Signal(len(request), name=f"{name}_before")
        m.d.sync += [waits.eq((source.read | source.write) & source.waitrequest & ~unit.restart), before.eq(request)]
        circuit.assume(~(source.read & source.write), ~waits | (request == before))
    circuit.assume(~circuit.reset())

    owner = unit.host_owns
    for source, owns in ((unit.host, owner), (unit.demo, ~owner)):
        request = Cat(getattr(source, part) for part in _REQUEST)
        circuit.always(
            ~owns | (request == Cat(getattr(bus, part) for part in _REQUEST)),
            source.waitrequest == (bus.waitrequest | ~owns),
        )
    circuit.always(
        inside["reading"] == outstanding,
        # The owner changes only between accesses.
        ~outstanding | (owner == asker),
        ~bus.readdatavalid | (unit.host.readdatavalid == asker),
        ~bus.readdatavalid | (unit.demo.readdatavalid == ~asker),
        bus.readdatavalid | ~(unit.host.readdatavalid | unit.demo.readdatavalid),
    )
    was, busy = Signal(reset_less=True, name="was_owner"), Signal(reset_less=True, name="busy")
    m.d.sync += [was.eq(owner), busy.eq((bus.read | bus.write) & bus.waitrequest & ~unit.restart)]
    circuit.always(~busy | (owner == was))


def _host(circuit: Circuit) -> None:
    """The host has the bus two cycles after it is free."""
    m = circuit.m
    unit: Any = BusMultiplexer()
    inside = circuit.unit(unit, "multiplexer")
    bus = unit.bus
    asks = unit.host.read | unit.host.write
    free = ~bus.read & ~bus.write & ~inside["reading"]
    waited = Signal(2, reset_less=True, name="waited")
    with m.If(asks & ~unit.host_owns & free & ~unit.restart):
        m.d.sync += waited.eq(waited + 1)
    with m.Else():
        m.d.sync += waited.eq(0)
    circuit.always(waited <= 1)


PROPERTIES = (
    Property(
        name="bus_multiplexer.answers",
        statement="The bus changes its owner only between accesses, and each read is answered to who asked.",
        claim=Always(circuit=_answers, cycles=6),
        planted=Planted(
            module="hdl.boards.parts.bus_multiplexer",
            right="idle.eq(~bus.read & ~bus.write & (~reading | bus.readdatavalid))",
            wrong="idle.eq(~bus.read & ~bus.write)",
        ),
        quick=True,
    ),
    Property(
        name="bus_multiplexer.host",
        statement="From any state, a host that asks owns the bus at the latest two cycles after it is free.",
        claim=Always(circuit=_host, depth=2, cycles=4, any_state=("multiplexer",)),
        planted=Planted(
            module="hdl.boards.parts.bus_multiplexer",
            right="with m.If(host.read | host.write):",
            wrong="with m.If(host.read | (host.write & self.release)):",
        ),
    ),
)
