"""A host's starts and steps as requests to the core, and what their results leave behind."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from amaranth.hdl import Module, Mux, Shape, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.core.interface import CoreSignature, Mode
from hdl.core.requests import at_most
from hdl.registers.commands import SETTINGS
from hdl.registers.published import TEMPERATURE
from hdl.units.format import index_shape, shape_of
from talos_ref.golden.format import Format
from talos_ref.model.config import ModelConfig

__all__ = ["Runner"]


class State(IntEnum):
    """What the machine does."""

    READY = 0
    LAUNCH = 1
    """One cycle in which the core may be cleared."""
    REQUEST = 2
    """The request is offered."""
    RUN = 3
    DONE = 4


class Runner(wiring.Component):
    """One request at a time: launched by ``start`` or ``step``, ended by its last result, ``clear`` or a refusal.

    A request that has not ended ``patience`` cycles after its start is ended too, and the core cleared: a bit that
    particles have flipped may keep it from an end, and a start while busy is ignored.

    Timing: a command in cycle 0 is offered to the core as a request from cycle 2 on. A result is always taken; in the
    cycle after it ``last``, ``logits`` and ``rng`` have it, and in the one after that ``letters``, ``count`` and
    ``done``. ``clear``, ``start`` and ``step`` go before all else that happens in their cycle.

    Parameters
    ----------
    model : ModelConfig
    word : Format
        Of a logit.
    patience : int
        A power of two above the cycles of every request.
    scrub : bool
        Whether the core has a scrubber, of which nothing is wanted here.

    Members
    -------
    core : In(CoreSignature)
        To be connected to the core.
    settings : In(SETTINGS)
        What the next request is made of.
    start, clear, step : In(1)
    ready, working, done : Out(1)
        Exactly one is 1.
    direct : Out(1)
        The last request was a direct step.
    temperature : Out(16)
        Of the last request.
    rng : Out(32)
        Random state.
    last : Out({"token": 8, "argmax": 8, "top_logit": word})
    logits : Out([vocab_size] of words)
    letters : Out([max_letters] of tokens)
        0 from ``count`` on.
    count : Out(range(block_size))
    position : Out(8)
    counted : Out(1)
        The core's counters are those of the last request.
    begun : Out(1)
        Another request, or none, follows in the next cycle.
    letter, ended : Out(1)
        The result that was taken last is a letter; it is the request's last.
    illegal_length, illegal_step, direct_disabled, busy, time_out : Out(1)
        As the fields of ``error``, when they are found.

    Raises ValueError if ``patience`` is no power of two.
    """

    LAUNCH_LATENCY = 2

    def __init__(self, model: ModelConfig, word: Format, patience: int, *, scrub: bool = False) -> None:
        if patience < 1 or patience.bit_count() != 1:
            raise ValueError(f"patience must be a power of two, not {patience!r}")
        self.model, self.patience = model, patience
        shape, token = shape_of(word), index_shape(model.vocab_size)
        flags = ("ready", "working", "done", "direct", "counted", "begun", "letter", "ended")
        faults = ("illegal_length", "illegal_step", "direct_disabled", "busy", "time_out")
        super().__init__(
            {
                "core": In(CoreSignature(model, word, scrub=scrub)),
                "settings": In(SETTINGS),
                **{name: In(1) for name in ("start", "clear", "step")},
                **{name: Out(1) for name in (*flags, *faults)},
                "temperature": Out(16, init=TEMPERATURE),
                "rng": Out(32, init=1),
                "last": Out(data.StructLayout({"token": 8, "argmax": 8, "top_logit": shape})),
                "logits": Out(data.ArrayLayout(shape, model.vocab_size)),
                "letters": Out(data.ArrayLayout(token, model.max_letters)),
                "count": Out(Shape.cast(range(model.block_size))),
                "position": Out(8),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        model = self.model
        self._state = Signal(State, name="state")
        self._mode = Signal(Mode, name="mode")
        # What the request was made of, whatever the host writes after it.
        self._limit = Signal(range(model.block_size), name="limit")
        self._token = Signal(range(model.vocab_size), name="token")
        m.d.comb += [
            self.ready.eq(self._state == State.READY),
            self.done.eq(self._state == State.DONE),
            self.working.eq(~self.ready & ~self.done),
            self.direct.eq(self._mode == Mode.STEP),
            self.begun.eq(self.clear | ((self.start | self.step) & ~self.working)),
            self.busy.eq((self.start | self.step) & ~self.begun),
        ]
        self._run(m)
        self._take_results(m)
        self._watch(m)
        self._begin(m)
        return m

    def _run(self, m: Module) -> None:
        """The request, from its launch on, and the core's refusal."""
        core, request = self.core, self.core.request
        m.d.comb += [
            request.valid.eq(self._state == State.REQUEST),
            request.p.mode.eq(self._mode),
            request.p.seed.eq(self.rng),
            request.p.temperature.eq(self.temperature),
            request.p.greedy.eq(self._mode == Mode.STEP),
            request.p.limit.eq(self._limit),
            request.p.token.eq(self._token),
            request.p.position.eq(self.position),
        ]
        m.d.sync += core.clear.eq(0)
        with m.Switch(self._state):
            with m.Case(State.LAUNCH):
                m.d.sync += self._state.eq(State.REQUEST)
            with m.Case(State.REQUEST):
                with m.If(request.ready):
                    m.d.sync += self._state.eq(State.RUN)
            with m.Case(State.RUN):
                # The core's counters are the request's from here on.
                m.d.sync += self.counted.eq(~core.error)
                with m.If(core.error):
                    m.d.sync += self._state.eq(State.DONE)
                    m.d.comb += self.illegal_step.eq(1)

    def _take_results(self, m: Module) -> None:
        """Every result into registers; in the next cycle it counts."""
        core, result = self.core, self.core.result
        running = self._state == State.RUN
        taken = Signal(name="taken")
        final = Signal(name="final")
        m.d.comb += [
            result.ready.eq(1),
            self.letter.eq(taken & running & (self.last.token != self.model.bos)),
            self.ended.eq(taken & running & final),
        ]
        m.d.sync += taken.eq(result.valid & running)
        with m.If(result.valid & running):
            m.d.sync += [
                self.last.token.eq(result.p.token_out),
                self.last.argmax.eq(result.p.argmax),
                self.last.top_logit.eq(result.p.top_logit),
                self.rng.eq(result.p.rng),
                self.logits.eq(core.logits),
                final.eq(result.p.last),
            ]
        with m.If(self.letter & (self._mode == Mode.NAME)):
            m.d.sync += [self.count.eq(self.count + 1), self.position.eq(self.position + 1)]
            with m.Switch(self.count):
                for index in range(self.model.max_letters):
                    with m.Case(index):
                        m.d.sync += self.letters[index].eq(self.last.token)
        with m.If(self.ended):
            m.d.sync += self._state.eq(State.DONE)

    def _watch(self, m: Module) -> None:
        """The end of a request that has taken too long, whatever the state may be by which it does not end."""
        waited = Signal(range(self.patience + 1), name="waited")
        m.d.comb += self.time_out.eq(self.working & waited[-1] & ~self.begun)
        with m.If(self.working):
            m.d.sync += waited.eq(waited + 1)
        with m.If(~self.working | self.time_out | self.begun):
            m.d.sync += waited.eq(0)
        with m.If(self.time_out):
            m.d.sync += [self._state.eq(State.DONE), self.core.clear.eq(1)]

    def _begin(self, m: Module) -> None:
        """Clear, start and direct step."""
        model, core, settings = self.model, self.core, self.settings
        direct = settings.direct
        with m.If(self.begun):
            m.d.sync += [
                self._state.eq(State.READY),
                self._mode.eq(Mode.NAME),
                self.count.eq(0),
                self.position.eq(0),
                self.last.eq(0),
                self.counted.eq(0),
                self.letters.eq(0),
            ]
        with m.If(self.clear):
            m.d.sync += core.clear.eq(1)
        # A start that comes with a clear finds the machine at rest.
        with m.If(self.start & self.begun):
            legal = Signal(name="legal")
            m.d.comb += [
                legal.eq((settings.limit != 0) & at_most(settings.limit, model.max_letters)),
                self.illegal_length.eq(~legal),
            ]
            m.d.sync += [
                self._state.eq(Mux(legal, State.LAUNCH, State.DONE)),
                self._limit.eq(settings.limit),
                self.temperature.eq(settings.temperature),
                self.rng.eq(settings.seed),
                core.clear.eq(1),
            ]
        # A refusal by the core is of the request before.
        with m.If(self.begun):
            m.d.comb += self.illegal_step.eq(0)
        with m.If(self.step & self.begun):
            fits = Signal(name="fits")
            m.d.comb += [
                fits.eq(
                    at_most(direct.token, model.vocab_size - 1) & at_most(direct.position, model.block_size - 1)
                ),
                self.illegal_step.eq(~fits),
                self.direct_disabled.eq(~direct.enable),
            ]
            m.d.sync += [
                self._state.eq(Mux(fits & direct.enable, State.LAUNCH, State.DONE)),
                self._mode.eq(Mode.STEP),
                self._token.eq(direct.token),
                self.temperature.eq(settings.temperature),
                self.position.eq(direct.position),
            ]
            with m.If(direct.clear_cache):
                m.d.sync += [self.rng.eq(settings.seed), core.clear.eq(1)]
