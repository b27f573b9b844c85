"""A host's requests: one at a time, offered until they are taken, and ended in time whatever the core does."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Mux, Signal

from hdl.proof import Always, Circuit, Planted, Property
from hdl.registers.runner import Runner, State
from talos_ref.golden.format import Q4_12
from talos_ref.model.config import MICROGPT

__all__ = ["PROPERTIES"]

_PATIENCE = 16


def _requests(circuit: Circuit) -> None:
    """Any commands in any cycle, and a core that does what it likes."""
    m = circuit.m
    unit: Any = Runner(MICROGPT, Q4_12, _PATIENCE)
    inside = circuit.unit(unit, "runner")
    request, result = unit.core.request, unit.core.result
    begins = (unit.start | unit.step) & ~unit.working

    payload = request.payload.as_value()
    waits, before = Signal(name="waits"), Signal.like(payload, name="before")
    cleared, launched = Signal(name="cleared"), Signal(2, name="launched")
    ended = unit.clear | unit.time_out
    m.d.sync += [waits.eq(request.valid & ~request.ready & ~ended), before.eq(payload), cleared.eq(unit.clear)]
    legal = Signal(name="legal_start")
    settings = unit.settings
    fits = (settings.direct.token < MICROGPT.vocab_size) & (settings.direct.position < MICROGPT.block_size)
    m.d.comb += legal.eq(
        Mux(unit.step, fits & settings.direct.enable,
            (settings.limit != 0) & (settings.limit <= MICROGPT.max_letters))
    )  # fmt: skip
    with m.If(unit.clear | begins):
        m.d.sync += launched.eq((unit.start | unit.step) & legal & (begins | unit.clear))
    with m.Elif(unit.time_out):
        m.d.sync += launched.eq(0)
    with m.Elif(launched == 1):
        m.d.sync += launched.eq(2)
    with m.Elif((launched == 2) & request.ready):
        m.d.sync += launched.eq(3)
    with m.Elif(unit.done):
        m.d.sync += launched.eq(0)
    circuit.always(
        unit.ready + unit.working + unit.done == 1,
        inside["state"] <= State.DONE,
        result.ready,
        # An offered request stays as it is; a clear or a time-out alone takes it back.
        ~waits | (request.valid & (payload == before)),
        # Nothing is asked of the core but by a legal command, two cycles after it.
        request.valid == (launched == 2),
        ~cleared | ~request.valid,
        ~cleared | unit.ready | unit.done | (launched == 1),
        unit.busy == ((unit.start | unit.step) & unit.working & ~unit.clear),
        # A result counts once, and only while a request runs.
        ~(unit.letter | unit.ended) | (inside["state"] == State.RUN),
        ~unit.working | (launched != 0),
    )


def _end(circuit: Circuit) -> None:
    """Any commands, any core, and any state at first, as upsets leave it."""
    m = circuit.m
    unit: Any = Runner(MICROGPT, Q4_12, _PATIENCE)
    inside = circuit.unit(unit, "runner")
    busy_for = Signal(6, reset_less=True, name="busy_for")
    m.d.sync += busy_for.eq(Mux(unit.working & ~unit.begun & ~unit.time_out, busy_for + 1, 0))
    circuit.always(
        busy_for <= _PATIENCE,
        ~unit.working | (busy_for <= inside["waited"]),
    )


PROPERTIES = (
    Property(
        name="runner.ends",
        statement="From any state, no request keeps the machine busy for longer than its patience.",
        claim=Always(circuit=_end, cycles=20, any_state=("runner",)),
        planted=Planted(
            module="hdl.registers.runner",
            right="self.time_out.eq(self.working & waited[-1] & ~self.begun)",
            wrong="self.time_out.eq(self.working & waited[-1] & ~self.begun & (self._state <= State.DONE))",
        ),
        quick=True,
    ),
    Property(
        name="runner.requests",
        statement="A legal command alone becomes a request, which is offered until taken, and ended in time.",
        claim=Always(circuit=_requests, cycles=6),
        planted=Planted(
            module="hdl.registers.runner",
            right="self.begun.eq(self.clear | ((self.start | self.step) & ~self.working))",
            wrong="self.begun.eq(self.clear | self.start | (self.step & ~self.working))",
        ),
        quick=True,
    ),
)
