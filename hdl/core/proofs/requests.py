"""Requests and results: legal ones alone run, a result only of a request, and every request ends."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Mux, Signal

from hdl.core.interface import Mode
from hdl.core.requests import RequestControl
from hdl.proof import Always, Circuit, Planted, Property
from hdl.units.xorshift32 import usable_state, xorshift32
from talos_ref.golden.arithmetic import arithmetic
from talos_ref.model.config import MICROGPT

__all__ = ["PROPERTIES"]


class _Steps:
    """A request machine whose steps end when they like: each begun one is drawn once, with any token."""

    def __init__(self, circuit: Circuit) -> None:
        m = circuit.m
        self.unit: Any = RequestControl(MICROGPT, arithmetic("precise", MICROGPT))
        self.inside = circuit.unit(self.unit, "control")
        unit = self.unit
        self.running = running = Signal(name="running")
        self.taken = unit.result.valid & unit.result.ready
        with m.If(unit.start):
            m.d.sync += running.eq(1)
        with m.Elif(self.taken):
            m.d.sync += running.eq(0)
        m.d.comb += unit.idle.eq(~running)
        draw = unit.draw
        # The sampler's side: nothing without a step, and an offered draw stays until it is taken.
        waits, same = circuit.offered(draw)
        circuit.assume(~draw.valid | running, ~waits | (draw.valid & same))
        circuit.assume(draw.p.token < MICROGPT.vocab_size)
        self.accept = unit.request.valid & unit.request.ready


def _results(circuit: Circuit) -> None:
    m, steps = circuit.m, _Steps(circuit)
    unit, inside = steps.unit, steps.inside
    request, result = unit.request.p, unit.result.p
    cached = inside["cached"]
    legal = Mux(
        request.mode == Mode.NAME,
        (request.limit >= 1) & (request.limit <= MICROGPT.max_letters),
        (request.token < MICROGPT.vocab_size) & (request.position <= cached),
    )
    # What the request asked for, and what has been drawn since.
    is_name, greedy = Signal(name="is_name"), Signal(name="is_greedy")
    limit, state = Signal(range(MICROGPT.block_size), name="asked_limit"), Signal(32, name="expected_state")
    token, position = Signal(range(MICROGPT.vocab_size), name="input"), Signal(range(MICROGPT.block_size), name="at")
    with m.If(steps.accept & legal):
        name = request.mode == Mode.NAME
        m.d.sync += [is_name.eq(name), limit.eq(request.limit), state.eq(usable_state(request.seed))]
        m.d.sync += greedy.eq(request.greedy | (request.temperature == 0))
        m.d.sync += [token.eq(Mux(name, MICROGPT.bos, request.token)), position.eq(Mux(name, 0, request.position))]
    after = Mux(greedy, state, xorshift32(state))
    last = ~is_name | (result.token_out == MICROGPT.bos) | (position + 1 == limit)
    with m.If(steps.taken):
        m.d.sync += state.eq(after)
        with m.If(~last):
            m.d.sync += [token.eq(result.token_out), position.eq(position + 1)]
    refused = Signal(name="refused")
    with m.If(steps.accept):
        m.d.sync += refused.eq(~legal)

    circuit.always(
        unit.accepted == (steps.accept & legal),
        unit.error == refused,
        unit.start == ((steps.accept & legal) | (steps.taken & ~last)),
        ~(steps.accept & steps.running),
        ~unit.result.valid | steps.running,
        ~unit.result.valid | ((result.token_in == token) & (result.position == position)),
        ~unit.result.valid | ((result.rng == after) & (result.last == last)),
        ~unit.start | (unit.position < MICROGPT.block_size) & (unit.token < MICROGPT.vocab_size),
    )
    # The machine's own copies are those, and a name is within its limit.
    circuit.always(
        ~steps.running | ((inside["mode"] == Mode.NAME) == is_name),
        ~steps.running | ((inside["limit"] == limit) & (inside["state"] == state) & (unit.greedy == greedy)),
        ~steps.running | ((result.token_in == token) & (unit.position_held == position)),
        ~steps.running | ~is_name | ((position < limit) & (limit <= MICROGPT.max_letters)),
        cached <= MICROGPT.block_size,
    )


def _handshakes(circuit: Circuit) -> None:
    steps = _Steps(circuit)
    unit = steps.unit
    waits, same = circuit.offered(unit.result)
    circuit.always(~waits | (unit.result.valid & same))
    circuit.always(~waits | steps.running)


def _ends(circuit: Circuit) -> None:
    """Steps since the request's acceptance: one of a single step, at most the limit of a name."""
    m, steps = circuit.m, _Steps(circuit)
    unit, inside = steps.unit, steps.inside
    count, limit = Signal(range(MICROGPT.block_size + 1), name="count"), Signal(5, name="most")
    with m.If(unit.accepted):
        m.d.sync += [count.eq(0), limit.eq(Mux(unit.request.p.mode == Mode.NAME, unit.request.p.limit, 1))]
    with m.Elif(steps.taken):
        m.d.sync += count.eq(count + 1)
    circuit.always(
        ~steps.running | (count < limit),
        ~(steps.taken & (count + 1 == limit)) | unit.result.p.last,
        ~steps.running | ((inside["mode"] == Mode.STEP) & (limit == 1))
        | ((inside["mode"] == Mode.NAME) & (inside["limit"] == limit) & (unit.position_held == count)),
        ~steps.running | (limit <= MICROGPT.max_letters),
    )


_MODULE = "hdl.core.requests"

PROPERTIES = (
    Property(
        name="requests.results",
        statement="Legal requests alone run; a result comes of a request, with its token, position and random state.",
        claim=Always(circuit=_results, cycles=6),
        planted=Planted(
            module=_MODULE,
            right="next_state.eq(Mux(self.greedy, state, self.rng))",
            wrong="next_state.eq(Mux(request.greedy, state, self.rng))",
        ),
    ),
    Property(
        name="requests.handshakes",
        statement="An offered result stays as it is until it is taken.",
        claim=Always(circuit=_handshakes, cycles=6),
        planted=Planted(
            module=_MODULE,
            right="self.result.valid.eq(self.draw.valid)",
            wrong="self.result.valid.eq(self.draw.valid & ~self.request.valid)",
        ),
        quick=True,
    ),
    Property(
        name="requests.ends",
        statement="A request ends after one step, or a name after as many as its limit, at most 15.",
        claim=Always(circuit=_ends, cycles=6),
        planted=Planted(
            module=_MODULE,
            right="(self.position_held + 1 == limit)",
            wrong="(self.position_held == limit)",
        ),
        quick=True,
    ),
)
