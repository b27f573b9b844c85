"""Batches end: without results for too long, or with results that nobody has asked for."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Mux, Signal

from hdl.core.config import BARRELS
from hdl.proof import Always, Circuit, Planted, Property
from hdl.registers.batch_runner import BatchRunner

__all__ = ["PROPERTIES"]

_PATIENCE = 16


def _end(circuit: Circuit) -> None:
    """Any commands, any core, and any state at first, as upsets leave it."""
    m = circuit.m
    unit: Any = BatchRunner(BARRELS["barrel"], _PATIENCE)
    inside = circuit.unit(unit, "runner")
    core = unit.core
    still, foreign = Signal(6, name="still"), Signal(name="foreign")
    m.d.sync += [
        still.eq(Mux(unit.working & ~core.result.valid & ~core.clear & ~unit.time_out, still + 1, 0)),
        foreign.eq(core.result.valid & (unit.left == 0) & ~core.clear),
    ]
    circuit.always(
        still <= _PATIENCE,
        ~(unit.working & ~core.result.valid & ~core.clear) | (still <= inside["waited"]),
        # A result that belongs to no name is the last one before the core is cleared.
        ~foreign | core.clear,
    )


PROPERTIES = (
    Property(
        name="batch_runner.ends",
        statement="From any state, batches end after their names, or after the patience for one result.",
        claim=Always(circuit=_end, cycles=20, any_state=("runner",)),
        planted=Planted(
            module="hdl.registers.batch_runner",
            right="self.time_out.eq(self.working & waited[-1] & ~self.core.clear)",
            wrong="self.time_out.eq(self.core.busy & waited[-1] & ~self.core.clear)",
        ),
        quick=True,
    ),
)
