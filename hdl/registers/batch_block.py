"""The registers of a core with several streams: batches start, and counters and digest say what came of them."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import C, Cat, Module, Mux, ResetSignal, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hdl.core.barrel.interface import BarrelSignature, batch_layout
from hdl.core.config import CLOCK_HZ, CoreConfig
from hdl.registers.batch_map import batch_map
from hdl.registers.batch_runner import BatchRunner
from hdl.registers.bus import RegisterBus
from hdl.registers.constants import constant_words
from hdl.registers.display import DigestSignature
from hdl.registers.machine import machine_ports
from hdl.registers.read_multiplexer import read_multiplexer
from hdl.registers.rom_status import rom_status

__all__ = ["BatchBlock"]

_PATIENCE = 1 << 16
_COUNTERS = {"cycles": "cycles", "step_count": "steps", "letter_count": "letters"}
"""Register -> counter of the core."""


class BatchBlock(wiring.Component):
    """The registers of ``hdl.registers.batch_map`` over a core, whose results it takes at once.

    A read is answered two cycles after its acceptance, in a reset too, and a write takes effect one cycle after it. A
    batch is offered to the core two cycles after its start's acceptance, until the core accepts it. Counters of 48 bits
    are read in two halves, and so while the core is idle.

    Parameters
    ----------
    config : CoreConfig
        Of the core.
    build : int
        What ``build`` answers, 32 bits.
    clock_hz : int
        Of the clock that this runs at.
    patience : int
        All is abandoned after so many cycles without a result, a power of two.

    Members
    -------
    bus : In(AvalonSignature)
    core : In(BarrelSignature), without tap
        To be connected to the core.
    enable : In(1)
        Lights ``ready`` and ``busy``; a host can read it, and works without.
    ready, busy, done, activity : Out(1)
        Bits of ``status``; ``activity`` is its toggle.
    last_token : Out(8)
    display : Out(DigestSignature)

    Raises TypeError or ValueError for a parameter out of range or a core's name that does not fit.
    """

    def __init__(self, config: CoreConfig, *, build: int, clock_hz: int = CLOCK_HZ, patience: int = _PATIENCE) -> None:
        self.config, self.patience = config, patience
        self.registers = batch_map(config.model, config.arithmetic.logit)
        self.constants = constant_words(self.registers, config, build=build, clock_hz=clock_hz)
        super().__init__(machine_ports(DigestSignature(), core=In(BarrelSignature(config, tap=False))))

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.end = end = RegisterBus()
        m.submodules.runner = runner = BatchRunner(self.config, self.patience)
        wiring.connect(m, wiring.flipped(self.bus), end.bus)
        wiring.connect(m, wiring.flipped(self.core), runner.core)
        toggle, write = Signal(name="toggle"), Signal(name="write")
        faults = {field.low: getattr(runner, field.name) for field in self.registers.register("error").fields}
        error = Signal(max(faults) + 1, name="error")
        running = ~ResetSignal(allow_reset_less=True)
        m.d.comb += write.eq(end.written & end.access.enables.all())
        m.d.sync += [
            toggle.eq(toggle ^ end.execute),
            error.eq(Mux(runner.begun, 0, error) | Cat(faults.get(bit, C(0, 1)) for bit in range(len(error)))),
        ]
        m.d.comb += [
            self.ready.eq(runner.ready & self.enable & running),
            self.busy.eq(runner.working & self.enable & running),
            self.done.eq(runner.done & running),
            self.activity.eq(toggle),
            self.last_token.eq(runner.last_token),
            self.display.digest.eq(self.core.counters.digest),
        ]
        rom_corrupt, rom_passes = rom_status(m, self.core, self.config.scrub)
        status = [runner.ready & running, runner.working & running, runner.done & running, error.any(), toggle,
                  runner.waiting & running, rom_corrupt]  # fmt: skip
        words: dict[str, list[Any]] = {
            **self.constants,
            "streams": [C(self.config.streams, 32)],
            **self._settings(m, runner, end.access, write),
            "status": [Cat(status)],
            "error": [error],
            "machine": [Cat(~running, self.enable, C(int(self.config.scrub), 1))],
            "rom_passes": [rom_passes],
            "digest": [self.core.counters.digest],
            "left": [runner.left[:32]],
            **{name: _halves(self.core.counters[counter]) for name, counter in _COUNTERS.items()},
        }
        m.d.comb += end.answer.eq(read_multiplexer(m, self.registers, words, end.access.word))
        return m

    def _settings(self, m: Module, runner: BatchRunner, access: Any, write: Value) -> dict[str, list[Any]]:
        """Take what a host writes for the next batch, and its commands; return the words that repeat it."""
        limit_field = self.registers.register("config").field("limit")
        # The limit as it was written, so that one that is too large is refused and not cut.
        limit = Signal(limit_field.width, init=self.config.model.max_letters, name="limit")
        temperature = Signal(16, init=0x80, name="temperature")
        seed, count = Signal(32, init=1, name="seed"), Signal(32, init=1, name="count")

        def written(name: str) -> Value:
            return write & (access.word == self.registers.register(name).address >> 2)

        with m.If(written("seed")):
            m.d.sync += seed.eq(access.data)
        with m.If(written("count")):
            m.d.sync += count.eq(access.data)
        with m.If(written("config")):
            m.d.sync += [
                limit.eq(access.data[limit_field.low : limit_field.low + limit_field.width]),
                temperature.eq(access.data[16:]),
            ]
        batch = runner.batch
        m.d.comb += [
            runner.start.eq(written("control") & access.data[0]),
            runner.clear.eq(written("control") & access.data[1]),
            batch.seed.eq(seed),
            batch.count.eq(count),
            batch.temperature.eq(temperature),
            # 0 is illegal in every core.
            batch.limit.eq(_fitting(limit, len(batch_layout(self.config)["limit"].shape))),
        ]
        return {"config": [Cat(C(0, limit_field.low), limit, temperature)], "seed": [seed], "count": [count]}


def _halves(value: Value) -> list[Value]:
    return [value[:32], value[32:]]


def _fitting(value: Value, width: int) -> Value:
    """Return a value in ``width`` bits, 0 where it does not fit."""
    return value if width >= len(value) else value[:width] & ~value[width:].any().replicate(width)
