"""Two initiators, host and demo, before one target."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl.registers.avalon import AvalonSignature

__all__ = ["BusMultiplexer"]

_REQUEST = ("address", "read", "write", "writedata", "byteenable")


class BusMultiplexer(wiring.Component):
    """The demo has the bus until the host's first access, then the host has it until it is released.

    Timing: combinational between the owner and the bus; the host's first access waits a cycle, and as long as an
    access of the demo is under way. Whoever has not the bus waits.

    Members
    -------
    host, demo : In(AvalonSignature())
    bus : Out(AvalonSignature())
    release : In(1)
        While 1, the bus goes back to the demo between two accesses of the host.
    restart : In(1)
        Forgets owner and accesses. A reset of the domain does not: a read under way is answered all the same.
    host_owns : Out(1)
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "host": In(AvalonSignature()),
                "demo": In(AvalonSignature()),
                "bus": Out(AvalonSignature()),
                "release": In(1),
                "restart": In(1),
                "host_owns": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        host: Any = self.host
        demo: Any = self.demo
        bus: Any = self.bus
        reading = Signal(reset_less=True, name="reading")
        owner = Signal(reset_less=True, name="owner")
        m.d.comb += self.host_owns.eq(owner)
        with m.If(bus.read & ~bus.waitrequest):
            m.d.sync += reading.eq(1)
        with m.Elif(bus.readdatavalid):
            m.d.sync += reading.eq(0)

        idle = Signal(name="idle")
        m.d.comb += idle.eq(~bus.read & ~bus.write & (~reading | bus.readdatavalid))
        with m.If(idle):
            with m.If(host.read | host.write):
                m.d.sync += owner.eq(1)
            with m.Elif(self.release):
                m.d.sync += owner.eq(0)

        with m.If(self.restart):
            m.d.sync += [reading.eq(0), owner.eq(0)]

        for source, owns in ((host, owner), (demo, ~owner)):
            with m.If(owns):
                m.d.comb += [getattr(bus, name).eq(getattr(source, name)) for name in _REQUEST]
            m.d.comb += [
                source.waitrequest.eq(~owns | bus.waitrequest),
                source.readdatavalid.eq(owns & bus.readdatavalid),
                source.readdata.eq(bus.readdata),
            ]
        return m
