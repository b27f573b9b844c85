"""A host's requests: one at a time, offered until they are taken, and ended by a clear whatever the core does."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Mux, Signal

from hdl.proof import Always, Circuit, Planted, Property
from hdl.registers.runner import Runner, State
from talos_ref.golden.format import Q4_12
from talos_ref.model.config import MICROGPT

__all__ = ["PROPERTIES"]


def _requests(circuit: Circuit) -> None:
    """Any commands in any cycle, and a core that does what it likes."""
    m = circuit.m
    unit: Any = Runner(MICROGPT, Q4_12)
    inside = circuit.unit(unit, "runner")
    request, result = unit.core.request, unit.core.result
    begins = (unit.start | unit.step) & ~unit.working

    payload = request.payload.as_value()
    waits, before = Signal(name="waits"), Signal.like(payload, name="before")
    cleared, launched = Signal(name="cleared"), Signal(2, name="launched")
    m.d.sync += [waits.eq(request.valid & ~request.ready & ~unit.clear), before.eq(payload), cleared.eq(unit.clear)]
    legal = Signal(name="legal_start")
    settings = unit.settings
    fits = (settings.direct.token < MICROGPT.vocab_size) & (settings.direct.position < MICROGPT.block_size)
    m.d.comb += legal.eq(
        Mux(unit.step, fits & settings.direct.enable,
            (settings.limit != 0) & (settings.limit <= MICROGPT.max_letters))
    )  # fmt: skip
    with m.If(unit.clear | begins):
        m.d.sync += launched.eq((unit.start | unit.step) & legal & (begins | unit.clear))
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
        # An offered request stays as it is; a clear alone takes it back.
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


PROPERTIES = (
    Property(
        name="runner.requests",
        statement="A legal command alone becomes a request, which is offered until taken, and ended by a clear.",
        claim=Always(circuit=_requests, cycles=6),
        planted=Planted(
            module="hdl.registers.runner",
            right="self.begun.eq(self.clear | ((self.start | self.step) & ~self.working))",
            wrong="self.begun.eq(self.clear | self.start | (self.step & ~self.working))",
        ),
        quick=True,
    ),
)
