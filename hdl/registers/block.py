"""The register block: a host's reads and writes on one side, a core's ports on the other."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from amaranth.hdl import C, Cat, Module, Mux, ResetSignal, Signal, Value, ValueLike
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.core.config import CLOCK_HZ, CoreConfig
from hdl.core.interface import CoreSignature, Mode, Stage
from hdl.registers.avalon import AvalonSignature
from hdl.registers.bus import RegisterBus
from hdl.registers.character_window import CHARACTER_BITS, DISPLAYS, CharacterWindow
from hdl.registers.map import ARITHMETICS, ID, REGISTERS, VERSION, Register, core_name_words, register
from hdl.registers.token_rate import TokenRate
from hdl.units.recurrence import check_width
from hdl.units.xorshift32 import usable_state
from talos_ref.golden.sampler import BucketSampler, Sampler

__all__ = ["RegisterBlock"]


class State(IntEnum):
    """What the machine does."""

    READY = 0
    LAUNCH = 1
    """One cycle in which the core may be cleared."""
    REQUEST = 2
    """The request is offered."""
    RUN = 3
    DONE = 4


class RegisterBlock(wiring.Component):
    """The registers of ``hdl.registers.map`` over a core.

    Timing: a read is answered two cycles after its acceptance, ``tokens_per_second`` at most ``ANSWER_LATENCY`` cycles
    after it; this holds in a reset too, and whatever the core does. A write takes effect one cycle after its
    acceptance. A start is offered to the core ``LAUNCH_LATENCY`` cycles after the cycle that accepts its write; the
    core can never stall on its results. ``status`` knows of a step two cycles after the core has offered its result.

    Parameters
    ----------
    config : CoreConfig
        Of the core.
    build : int
        What ``build`` answers, 32 bits.
    clock_hz : int
        Of the clock that this runs at.

    Members
    -------
    bus : In(AvalonSignature)
    core : In(CoreSignature)
        To be connected to the core.
    enable : In(1)
        Lights ``ready`` and ``busy``; a host can read it, and works without.
    ready, busy, done, activity : Out(1)
        Bits of ``status``; ``activity`` is its toggle.
    last_token : Out(8)
    characters : Out(array of 6 characters)
        As ``hdl.registers.character_window``.

    Raises TypeError or ValueError for a parameter out of range, a core's name that does not fit, an arithmetic without
    a number, or a model with more letters or tokens than the map has registers for.
    """

    LAUNCH_LATENCY = 3

    def __init__(self, config: CoreConfig, *, build: int, clock_hz: int = CLOCK_HZ) -> None:
        check_width("build", build, 0xFFFFFFFF, 0)
        model, self.config, self.model, self.build, self.clock_hz = config.model, config, config.model, build, clock_hz
        for name, value, high in (
            ("vocab_size", model.vocab_size, register("logits").count),
            ("block_size", model.block_size, register("letters").count),
        ):
            if value > high:
                raise ValueError(f"{name} must be at most {high}, for which there are registers, not {value!r}")
        if config.arithmetic_name not in ARITHMETICS:
            raise ValueError(f"arithmetic must be one of {', '.join(ARITHMETICS)}, not {config.arithmetic_name!r}")
        self.name_words = core_name_words(config.name)
        self.rate = TokenRate(clock_hz=clock_hz, max_letters=model.max_letters)
        self.ANSWER_LATENCY = RegisterBus.LATENCY + self.rate.LATENCY
        super().__init__(
            {
                "bus": In(AvalonSignature()),
                "core": In(CoreSignature(model, config.arithmetic.word)),
                "enable": In(1),
                "ready": Out(1),
                "busy": Out(1),
                "done": Out(1),
                "activity": Out(1),
                "last_token": Out(8),
                "characters": Out(data.ArrayLayout(CHARACTER_BITS, DISPLAYS)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        model = self.model
        m.submodules.end = self.end = RegisterBus()
        m.submodules.rate = self.rate
        m.submodules.window = self.window = CharacterWindow()
        wiring.connect(m, wiring.flipped(self.bus), self.end.bus)

        # What a host has written.
        self.seed, self.limit = Signal(32, init=1), Signal(8, init=model.max_letters)
        self.temperature = Signal(16, init=0x0080)
        self.direct = Signal(data.StructLayout({"enable": 1, "clear_cache": 1, "position": 8, "token": 8}))
        # The request, which stays as it was when it began, and how far it is.
        self.state, self.mode = Signal(State), Signal(Mode)
        self.rng, self.held_temperature = Signal(32, init=1), Signal(16, init=0x0080)
        self.held_limit, self.held_token = Signal(range(model.block_size)), Signal(range(model.vocab_size))
        self.count, self.position = Signal(range(model.block_size)), Signal(8)
        self.letters = [Signal(range(model.vocab_size), name=f"letter{index}") for index in range(model.max_letters)]
        self.last = Signal(data.StructLayout({"token": 8, "argmax": 8, "top_logit": 16}))
        self.logits = Signal.like(self.core.logits)
        self.counted, self.toggle = Signal(), Signal()
        # Commands, each in the cycle in which its access is executed, and what they find wrong.
        self.start, self.step, self.clear = Signal(), Signal(), Signal()
        self.cause = {flag.name: Signal(name=flag.name) for flag in register("error").fields}
        self.error, self.working = Signal(len(self.cause)), Signal()
        m.d.comb += self.working.eq(
            (self.state == State.LAUNCH) | (self.state == State.REQUEST) | (self.state == State.RUN)
        )

        self._write(m)
        self._run(m)
        self._take_results(m)
        self._begin(m)
        self._answer(m)
        return m

    def _is(self, name: str) -> Value:
        """Return whether the access is to a register of one word."""
        return self.end.access.word == register(name).address >> 2

    def _write(self, m: Module) -> None:
        """Decode writes, and say what is wrong with an access."""
        access, execute, cause, window = self.end.access, self.end.execute, self.cause, self.window
        m.d.sync += self.toggle.eq(self.toggle ^ execute)
        mapped, read_only, partial = Signal(), Signal(), Signal()
        with m.Switch(access.word):
            for entry in REGISTERS:
                with m.Case(*(entry.at(index) >> 2 for index in range(entry.count))):
                    m.d.comb += [mapped.eq(1), read_only.eq(not entry.access.writable)]
        m.d.comb += [
            partial.eq(~access.enables.all()),
            cause["unmapped"].eq(execute & ~mapped),
            cause["read_only"].eq(execute & access.write & read_only),
            cause["partial_write"].eq(execute & access.write & partial),
        ]

        def written(name: str, field: str) -> Value:
            part = register(name).field(field)
            return access.data[part.low : part.low + part.width]

        write = execute & access.write & ~partial
        with m.If(write & self._is("control")):
            m.d.comb += [self.start.eq(written("control", "start")), self.clear.eq(written("control", "clear"))]
        with m.If(write & self._is("step")):
            m.d.comb += self.step.eq(written("step", "start"))
        with m.If(write & self._is("config")):
            m.d.sync += self.limit.eq(written("config", "limit"))
            m.d.sync += self.temperature.eq(written("config", "temperature"))
        with m.If(write & self._is("seed")):
            m.d.sync += self.seed.eq(usable_state(access.data))
        with m.If(write & self._is("direct")):
            m.d.sync += [self.direct[part.name].eq(written("direct", part.name)) for part in register("direct").fields]
        shown = write & self._is("hex")
        m.d.comb += [
            window.clear.eq(shown & written("hex", "clear")),
            window.push.eq(shown & written("hex", "push")),
            window.character.eq(written("hex", "token")),
            self.characters.eq(window.characters),
        ]

    def _run(self, m: Module) -> None:
        """The request, from its launch on, and the core's refusal."""
        core, request = self.core, self.core.request
        m.d.comb += [
            request.valid.eq(self.state == State.REQUEST),
            request.p.mode.eq(self.mode),
            request.p.seed.eq(self.rng),
            request.p.temperature.eq(self.held_temperature),
            request.p.greedy.eq(self.mode == Mode.STEP),
            request.p.limit.eq(self.held_limit),
            request.p.token.eq(self.held_token),
            request.p.position.eq(self.position),
        ]
        m.d.sync += core.clear.eq(0)
        with m.Switch(self.state):
            with m.Case(State.LAUNCH):
                m.d.sync += self.state.eq(State.REQUEST)
            with m.Case(State.REQUEST):
                with m.If(request.ready):
                    m.d.sync += self.state.eq(State.RUN)
            with m.Case(State.RUN):
                # The core's counters are the request's from here on.
                m.d.sync += self.counted.eq(~core.error)
                with m.If(core.error):
                    m.d.sync += self.state.eq(State.DONE)
                    m.d.comb += self.cause["illegal_step"].eq(1)

    def _take_results(self, m: Module) -> None:
        """Every result into registers; in the next cycle it counts."""
        core, result, rate, running = self.core, self.core.result, self.rate, self.state == State.RUN
        taken, ended, letter = Signal(), Signal(), Signal()
        m.d.comb += [result.ready.eq(1), letter.eq(taken & running & (self.last.token != self.model.bos))]
        m.d.sync += taken.eq(result.valid & running)
        with m.If(result.valid & running):
            m.d.sync += [
                self.last.token.eq(result.p.token_out),
                self.last.argmax.eq(result.p.argmax),
                self.last.top_logit.eq(result.p.top_logit),
                self.rng.eq(result.p.rng),
                self.logits.eq(core.logits),
                ended.eq(result.p.last),
            ]
        with m.If(letter & (self.mode == Mode.NAME)):
            m.d.sync += [self.count.eq(self.count + 1), self.position.eq(self.position + 1)]
            with m.Switch(self.count):
                for index, kept in enumerate(self.letters):
                    with m.Case(index):
                        m.d.sync += kept.eq(self.last.token)
        with m.If(taken & running & ended):
            m.d.sync += self.state.eq(State.DONE)
        m.d.comb += [
            rate.letter.eq(letter),
            rate.finish.eq(taken & running & ended),
            rate.cycles.eq(core.counters.cycles),
            rate.clear.eq(self.clear | ((self.start | self.step) & ~self.working)),
        ]

    def _begin(self, m: Module) -> None:
        """Clear, start and direct step, which go before all else that happens in their cycle."""
        model, core, cause, direct = self.model, self.core, self.cause, self.direct
        begun = self.rate.clear
        with m.If(begun):
            m.d.sync += [
                self.state.eq(State.READY),
                self.mode.eq(Mode.NAME),
                self.count.eq(0),
                self.position.eq(0),
                self.last.eq(0),
                self.counted.eq(0),
                *(letter.eq(0) for letter in self.letters),
            ]
        with m.If(self.clear):
            m.d.sync += core.clear.eq(1)
        # A start that comes with a clear finds the machine at rest.
        with m.If(self.start & begun):
            legal = Signal()
            m.d.comb += [
                legal.eq((self.limit != 0) & (self.limit <= model.max_letters)),
                cause["illegal_length"].eq(~legal),
            ]
            m.d.sync += [
                self.state.eq(Mux(legal, State.LAUNCH, State.DONE)),
                self.held_limit.eq(self.limit),
                self.held_temperature.eq(self.temperature),
                self.rng.eq(self.seed),
                core.clear.eq(1),
            ]
        with m.If(self.step & begun):
            fits = Signal()
            m.d.comb += [
                fits.eq((direct.token < model.vocab_size) & (direct.position < model.block_size)),
                cause["illegal_step"].eq(~fits),
                cause["direct_disabled"].eq(~direct.enable),
            ]
            m.d.sync += [
                self.state.eq(Mux(fits & direct.enable, State.LAUNCH, State.DONE)),
                self.mode.eq(Mode.STEP),
                self.held_token.eq(direct.token),
                self.held_temperature.eq(self.temperature),
                self.position.eq(direct.position),
            ]
            with m.If(direct.clear_cache):
                m.d.sync += [self.rng.eq(self.seed), core.clear.eq(1)]
        m.d.comb += cause["busy"].eq((self.start | self.step) & ~begun)
        # A refusal by the core is of the request before.
        with m.If(begun & ~self.step):
            m.d.comb += cause["illegal_step"].eq(0)
        m.d.sync += self.error.eq(Mux(begun, 0, self.error) | Cat(*cause.values()))

    def _answer(self, m: Module) -> None:
        """Every readable register as words, and the multiplexer in front of the bus."""
        in_reset = ResetSignal(allow_reset_less=True)
        counters, sampler = self.core.counters, self.config.arithmetic.sampler
        m.d.comb += [
            self.ready.eq((self.state == State.READY) & self.enable & ~in_reset),
            self.busy.eq(self.working & self.enable & ~in_reset),
            self.done.eq((self.state == State.DONE) & ~in_reset),
            self.activity.eq(self.toggle),
            self.last_token.eq(self.last.token),
            self.end.hold.eq(self.rate.busy & self._is("tokens_per_second")),
        ]

        def fields(name: str, **values: ValueLike) -> Value:
            word = Signal(32, name=name)
            for part, value in values.items():
                field = register(name).field(part)
                m.d.comb += word[field.low : field.low + field.width].eq(value)
            return word

        words: dict[str, list[Value]] = {
            "id": [C(ID, 32)],
            "version": [C(VERSION, 32)],
            "status": [
                fields(
                    "status",
                    ready=(self.state == State.READY) & ~in_reset,
                    busy=self.working & ~in_reset,
                    done=(self.state == State.DONE) & ~in_reset,
                    error=self.error.any(),
                    toggle=self.toggle,
                    direct=self.mode == Mode.STEP,
                    letters=self.count,
                    position=self.position,
                )
            ],
            "config": [fields("config", limit=self.limit, temperature=self.temperature)],
            "seed": [self.rng],
            "last": [fields("last", **{name: self.last[name] for name in ("token", "argmax", "top_logit")})],
            "bos": [C(self.model.bos, 32)],
            "direct": [fields("direct", **{part.name: self.direct[part.name] for part in register("direct").fields})],
            "letters": list(self.letters),
            "cycles": [_only(self.counted, counters.cycles)],
            "tokens_per_second": [self.rate.rate],
            "logits": [_extended(self.logits[token]) for token in range(self.model.vocab_size)],
            "arithmetic": [C(ARITHMETICS[self.config.arithmetic_name], 32)],
            "clock": [C(self.clock_hz, 32)],
            "build": [C(self.build, 32)],
            "core_name": [C(word, 32) for word in self.name_words],
            "temperature": [
                fields(
                    "temperature",
                    temperature=_in_use(sampler, self.held_temperature),
                    greedy=(self.mode == Mode.STEP) | (sampler.greedy_at_zero & (self.held_temperature == 0)),
                )
            ],
            "step_count": [_only(self.counted, counters.steps)],
            "letter_count": [_only(self.counted, counters.letters)],
            "error": [fields("error", **dict(zip(self.cause, self.error, strict=True)))],
            "machine": [fields("machine", reset=in_reset, enable=self.enable)],
            "stage_cycles": [_only(self.counted, counters.stages[stage.value]) for stage in Stage],
        }
        with m.Switch(self.end.access.word):
            for entry in REGISTERS:
                if entry.access.readable:
                    with m.Case(*(entry.at(index) >> 2 for index in range(entry.count))):
                        m.d.comb += self.end.answer.eq(_chosen(words[entry.name], entry, self.end.access.word))


def _chosen(words: list[Value], entry: Register, address: Value) -> Value:
    """Return the word at an address that is one of the register's; 0 where a smaller model has fewer."""
    first = entry.address >> 2
    width = (first ^ (entry.last >> 2)).bit_length()
    whole = [*words, *[C(0, 1)] * (entry.count - len(words))]
    return _tree({(first + index) & ((1 << width) - 1): word for index, word in enumerate(whole)}, address[:width])


def _tree(table: dict[int, Value], index: Value) -> Value:
    """Return the entry at ``index``, any where there is none; a tree takes two thirds of a case's gates."""
    if not len(index):
        return table[0]
    half = 1 << (len(index) - 1)
    low = {place: word for place, word in table.items() if place < half}
    high = {place - half: word for place, word in table.items() if place >= half}
    if not high or not low:
        return _tree(high or low, index[:-1])
    return Mux(index[-1], _tree(high, index[:-1]), _tree(low, index[:-1]))


def _only(condition: Value, word: Value) -> Value:
    """Return the word where the condition holds, else 0."""
    return Mux(condition, word, 0)


def _extended(word: Value) -> Value:
    """Return a signed word as 32 bits."""
    return Cat(word, word[-1].replicate(32 - len(word)))


def _in_use(sampler: Sampler, temperature: Value) -> Value:
    """Return the temperature (UQ8.8) that the sampler makes of the one that it is given."""
    if isinstance(sampler, BucketSampler):
        used: Value = C(0x80, 16)
        for bound in (0x80, 0x100, 0x200):
            used = Mux(temperature > bound, 2 * bound, used)
        return used
    least = sampler.min_temperature
    return Mux((temperature != 0) & (temperature < least), least, temperature)
