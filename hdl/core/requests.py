"""Requests and results: what a core is asked for, the token and random state of the current step, and its answer."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import C, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.core.interface import Mode, request_layout, result_layout
from hdl.units.format import shape_of
from hdl.units.sampler import draw_layout
from hdl.units.xorshift32 import usable_state, xorshift32
from talos_ref.golden.arithmetic import Arithmetic
from talos_ref.golden.sampler import TEMPERATURE
from talos_ref.model.config import ModelConfig

__all__ = ["RequestControl", "at_most"]


def at_most(value: Value, bound: int) -> Value:
    """Return ``value <= bound``, which is no comparison where every value of that width is."""
    return C(1, 1) if bound >= (1 << len(value)) - 1 else value <= bound


class RequestControl(wiring.Component):
    """Feeds the drawn token back until BOS is drawn or the limit is reached.

    ``start`` marks the cycle before a step's first; ``token`` and ``position`` are its input then, so that the
    embedding can be read in that cycle. A result is offered in the cycle in which the sampler has it; the cycle that
    takes it starts the next step.

    Members
    -------
    request, result
        As of the core.
    idle : In(1)
        No step is under way.
    start : Out(1)
    token, position : Out
        Input of the step that ``start`` begins; ``position_held`` is that of the step under way.
    accepted : Out(1)
        A legal request was accepted in this cycle.
    temperature : Out(stream)
        Once a request, for the sampler.
    rng, greedy : Out
        Random state for the sampler to draw with, and whether it is to take the argmax.
    next_rng : Out(32)
        ``rng`` of the step that ``start`` begins.
    draw : In(stream)
        From the sampler.
    taken : Out(1)
        A result was taken in this cycle.
    error : Out(1)
        The last request was illegal.
    """

    def __init__(self, config: ModelConfig, arithmetic: Arithmetic) -> None:
        self.config, self.arithmetic = config, arithmetic
        token, position = range(config.vocab_size), range(config.block_size)
        super().__init__(
            {
                "request": In(stream.Signature(request_layout(config))),
                "result": Out(stream.Signature(result_layout(config, arithmetic.logit))),
                "idle": In(1),
                "start": Out(1),
                "token": Out(token),
                "position": Out(position),
                "position_held": Out(position),
                "accepted": Out(1),
                "temperature": Out(stream.Signature(shape_of(TEMPERATURE))),
                "rng": Out(32),
                "next_rng": Out(32),
                "greedy": Out(1),
                "draw": In(stream.Signature(draw_layout(config.vocab_size, shape_of(arithmetic.logit)))),
                "taken": Out(1),
                "error": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        config, request, result = self.config, self.request.p, self.result.p
        mode = Signal(Mode, name="mode")
        limit = Signal(range(config.block_size), name="limit")
        state = Signal(32, name="state")
        token = Signal(range(config.vocab_size), name="token")
        cached = Signal(range(config.block_size + 1), name="cached")

        # A request: a name starts with BOS at position 0, a step where it is told to, next to what is cached.
        legal = Signal(name="legal")
        with m.If(request.mode == Mode.NAME):
            m.d.comb += legal.eq((request.limit != 0) & at_most(request.limit, config.max_letters))
        with m.Else():
            m.d.comb += legal.eq(
                at_most(request.token, config.vocab_size - 1)
                & at_most(request.position, config.block_size - 1)
                & (request.position <= cached)
            )
        accept = Signal(name="accept")
        m.d.comb += [
            self.request.ready.eq(self.idle & self.temperature.ready),
            accept.eq(self.request.valid & self.request.ready),
            self.accepted.eq(accept & legal),
            self.temperature.valid.eq(self.accepted),
            self.temperature.payload.eq(request.temperature),
        ]
        greedy = request.greedy
        if self.arithmetic.sampler.greedy_at_zero:
            greedy = greedy | (request.temperature == 0)
        with m.If(accept):
            m.d.sync += self.error.eq(~legal)
        with m.If(self.accepted):
            m.d.sync += [
                mode.eq(request.mode),
                limit.eq(request.limit),
                state.eq(usable_state(request.seed)),
                self.greedy.eq(greedy),
            ]

        # A result: it ends the request, or its token is the input of the next step.
        last = Signal(name="last")
        next_state = Signal(32, name="next_state")
        m.d.comb += [
            self.rng.eq(xorshift32(state)),
            last.eq(
                (mode == Mode.STEP) | (self.draw.p.token == config.bos) | (self.position_held + 1 == limit)
            ),
            self.result.valid.eq(self.draw.valid),
            self.draw.ready.eq(self.result.ready),
            result.position.eq(self.position_held),
            result.token_in.eq(token),
            result.token_out.eq(self.draw.p.token),
            result.argmax.eq(self.draw.p.argmax),
            result.top_logit.eq(self.draw.p.top_logit),
            next_state.eq(Mux(self.greedy, state, self.rng)),
            self.next_rng.eq(xorshift32(Mux(self.accepted, usable_state(request.seed), next_state))),
            result.rng.eq(next_state),
            result.last.eq(last),
            self.taken.eq(self.draw.valid & self.result.ready),
        ]
        with m.If(self.taken):
            m.d.sync += [state.eq(next_state), cached.eq(self.position_held + 1)]

        # The input of the next step, in the cycle before it.
        m.d.comb += self.start.eq(self.accepted | (self.taken & ~last))
        # Nothing is drawn while no step is under way, so that who is asked does not depend on who may.
        with m.If(self.idle & (request.mode == Mode.NAME)):
            m.d.comb += [self.token.eq(config.bos), self.position.eq(0)]
        with m.Elif(self.idle):
            m.d.comb += [self.token.eq(request.token), self.position.eq(request.position)]
        with m.Else():
            m.d.comb += [self.token.eq(self.draw.p.token), self.position.eq(self.position_held + 1)]
        with m.If(self.start):
            m.d.sync += [token.eq(self.token), self.position_held.eq(self.position)]
        return m
