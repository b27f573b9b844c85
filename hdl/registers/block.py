"""The register block: a host's reads and writes on one side, a core's ports on the other."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import C, Cat, Module, Mux, ResetSignal, Signal, Value, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hdl.core.config import CLOCK_HZ, CoreConfig
from hdl.core.interface import CoreSignature, Stage
from hdl.registers.bus import RegisterBus
from hdl.registers.commands import Commands
from hdl.registers.constants import constant_words
from hdl.registers.display import DisplaySignature
from hdl.registers.machine import machine_ports
from hdl.registers.map import TOP_LOGIT_BITS, register_map
from hdl.registers.read_multiplexer import read_multiplexer
from hdl.registers.rom_status import rom_status
from hdl.registers.runner import Runner
from hdl.registers.temperature import honoured
from hdl.registers.token_rate import TokenRate
from hdl.units.format import saturate
from talos_ref.golden.format import Format

__all__ = ["RegisterBlock"]

_FROM_RUNNER = ("illegal_length", "illegal_step", "direct_disabled", "busy")
_FROM_COMMANDS = ("read_only", "unmapped", "partial_write")
_PATIENCE = 1 << 20


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
    patience : int
        A request that has not ended after so many cycles, a power of two, is ended with an error.

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
    display : Out(DisplaySignature)
        What a host writes to ``hex``, one cycle after its acceptance.

    Raises TypeError or ValueError for a parameter out of range or a core's name that does not fit.
    """

    LAUNCH_LATENCY = 1 + Runner.LAUNCH_LATENCY

    def __init__(self, config: CoreConfig, *, build: int, clock_hz: int = CLOCK_HZ, patience: int = _PATIENCE) -> None:
        self.config, self.model, self.logit = config, config.model, config.arithmetic.logit
        self.clock_hz, self.patience = clock_hz, patience
        self.registers = register_map(self.model, self.logit)
        self.constants = constant_words(self.registers, config, build=build, clock_hz=clock_hz)
        self.rate = TokenRate(clock_hz=clock_hz, max_letters=self.model.max_letters)
        self.ANSWER_LATENCY = RegisterBus.LATENCY + self.rate.LATENCY
        core = CoreSignature(self.model, self.logit, scrub=config.scrub)
        super().__init__(machine_ports(DisplaySignature(), core=In(core)))

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.end = end = RegisterBus()
        m.submodules.commands = self._commands = commands = Commands(self.registers)
        m.submodules.runner = self._runner = runner = Runner(
            self.model, self.logit, self.patience, scrub=self.config.scrub
        )
        m.submodules.rate = rate = self.rate
        wiring.connect(m, wiring.flipped(self.bus), end.bus)
        wiring.connect(m, wiring.flipped(self.core), runner.core)
        wiring.connect(m, commands.display, wiring.flipped(self.display))
        m.d.comb += [
            commands.access.eq(end.access),
            commands.execute.eq(end.execute),
            commands.written.eq(end.written),
            runner.settings.eq(commands.settings),
            runner.start.eq(commands.start),
            runner.clear.eq(commands.clear),
            runner.step.eq(commands.step),
            rate.letter.eq(runner.letter),
            rate.finish.eq(runner.ended),
            rate.cycles.eq(self.core.counters.cycles),
            rate.clear.eq(runner.begun),
            end.hold.eq(rate.busy & (end.access.word == self.registers.register("tokens_per_second").address >> 2)),
        ]

        # What went wrong, in the order of the fields of ``error``.
        self._toggle = Signal(name="toggle")
        self._error = Signal(len(self.registers.register("error").fields), name="error")
        faults = Cat(
            *(getattr(runner, name) for name in _FROM_RUNNER), *(getattr(commands, name) for name in _FROM_COMMANDS),
            runner.time_out,
        )  # fmt: skip
        m.d.sync += [
            self._toggle.eq(self._toggle ^ end.execute),
            self._error.eq(Mux(runner.begun, 0, self._error) | faults),
        ]

        self._rom_corrupt, self._rom_passes = rom_status(m, self.core, self.config.scrub)
        self._in_reset = ResetSignal(allow_reset_less=True)
        m.d.comb += [
            self.ready.eq(runner.ready & self.enable & ~self._in_reset),
            self.busy.eq(runner.working & self.enable & ~self._in_reset),
            self.done.eq(runner.done & ~self._in_reset),
            self.activity.eq(self._toggle),
            self.last_token.eq(runner.last.token),
            end.answer.eq(read_multiplexer(m, self.registers, self._words(m), end.access.word)),
        ]
        return m

    def _words(self, m: Module) -> dict[str, list[Value]]:
        """Return the words of every register that can be read."""
        runner, counters = self._runner, self.core.counters
        return {
            **self.constants,
            **self._settings(m),
            "status": [
                self._fields(
                    m,
                    "status",
                    ready=runner.ready & ~self._in_reset,
                    busy=runner.working & ~self._in_reset,
                    done=runner.done & ~self._in_reset,
                    error=self._error.any(),
                    toggle=self._toggle,
                    direct=runner.direct,
                    rom_corrupt=self._rom_corrupt,
                    letters=runner.count,
                    position=runner.position,
                )
            ],
            "seed": [runner.rng],
            "last": [
                self._fields(
                    m,
                    "last",
                    token=runner.last.token,
                    argmax=runner.last.argmax,
                    top_logit=saturate(runner.last.top_logit, Format(width=TOP_LOGIT_BITS, fraction=0)),
                )
            ],
            "top_logit": [_extended(runner.last.top_logit)],
            "letters": [*(runner.letters[index] for index in range(self.model.max_letters)), C(0, 1)],
            "logits": [_extended(runner.logits[token]) for token in range(self.model.vocab_size)],
            "cycles": [_only(runner.counted, counters.cycles)],
            "step_count": [_only(runner.counted, counters.steps)],
            "letter_count": [_only(runner.counted, counters.letters)],
            "stage_cycles": [_only(runner.counted, counters.stages[stage.value]) for stage in Stage],
            "tokens_per_second": [self.rate.rate],
            "error": [self._error],
            "machine": [
                self._fields(
                    m, "machine", reset=self._in_reset, enable=self.enable, scrubber=int(self.config.scrub)
                )
            ],
            "rom_passes": [self._rom_passes],
        }

    def _settings(self, m: Module) -> dict[str, list[Value]]:
        """Return the words that repeat what the host has written, and what became of the temperature."""
        settings, runner, sampler = self._commands.settings, self._runner, self.config.arithmetic.sampler
        direct = {part.name: settings.direct[part.name] for part in self.registers.register("direct").fields}
        greedy = runner.direct | ((runner.temperature == 0) if sampler.greedy_at_zero else 0)
        used = honoured(sampler.honoured, runner.temperature)
        return {
            "config": [self._fields(m, "config", limit=settings.limit, temperature=settings.temperature)],
            "direct": [self._fields(m, "direct", **direct)],
            "temperature": [self._fields(m, "temperature", temperature=used, greedy=greedy)],
        }

    def _fields(self, m: Module, name: str, **values: ValueLike) -> Value:
        """Return a register's word from its fields."""
        word = Signal(32, name=name)
        for part, value in values.items():
            field = self.registers.register(name).field(part)
            m.d.comb += word[field.low : field.low + field.width].eq(value)
        return word


def _only(condition: Value, word: Value) -> Value:
    """Return the word where the condition holds, else 0."""
    return Mux(condition, word, 0)


def _extended(word: Value) -> Value:
    """Return a signed word as 32 bits."""
    return Cat(word, word[-1].replicate(32 - len(word)))
