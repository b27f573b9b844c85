"""The registers as a host meets them: every access ends in time, whatever the core does."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Signal

from hdl.core.cores import core_config
from hdl.proof import Always, Circuit, Planted, Property
from hdl.registers.block import RegisterBlock

__all__ = ["PROPERTIES"]


def _time(circuit: Circuit) -> None:
    """Any accesses and resets, and a core that does what it likes."""
    m, unit = circuit.m, RegisterBlock(core_config("fused"), build=0)
    ports: Any = unit
    inside = circuit.unit(unit, "block")
    bus, left = ports.bus, inside["rate.left"]
    waited = Signal(8, name="waited")
    with m.If(bus.waitrequest):
        m.d.sync += waited.eq(waited + 1)
    with m.Else():
        m.d.sync += waited.eq(0)
    circuit.always(
        # An access is accepted, and a read answered, within this many cycles.
        waited <= unit.rate.LATENCY + 1,
        ~inside["end.reading"] | (waited + left <= unit.rate.LATENCY) | (waited == 0),
        left <= unit.rate.LATENCY,
        # No name is finished while the figure of the one before is being worked out.
        ~inside["runner.working"] | (left == 0),
    )


PROPERTIES = (
    Property(
        name="block.access_time",
        statement="The bus waits at most 31 cycles for the answer to a read, and not at all for a write.",
        claim=Always(circuit=_time, cycles=40),
        planted=Planted(
            module="hdl.registers.token_rate",
            right="left.eq(left - 1),",
            wrong="left.eq(left - (self.clear | ~difference[-1])),",
        ),
    ),
)
