"""The registers of a core with several streams: batches start, and counters and digest say what came of them."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import C, Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl.core.barrel.barrel import Barrel
from hdl.core.barrel.interface import BarrelSignature, batch_layout
from hdl.core.config import CoreConfig
from hdl.design import Design
from hdl.registers.avalon import AvalonSignature
from hdl.registers.batch_map import batch_map
from hdl.registers.bus import RegisterBus
from hdl.registers.core_name import core_name_words
from hdl.registers.read_multiplexer import read_multiplexer

__all__ = ["BatchBlock", "BatchSystem"]


class BatchBlock(wiring.Component):
    """The registers of ``hdl.registers.batch_map`` over a core, whose results it takes at once.

    A read is answered two cycles after its acceptance, and a write takes effect one cycle after it. A batch is offered
    to the core one cycle after its start, until the core accepts it. Counters of 48 bits are read in two halves, and so
    while the core is idle.

    Members
    -------
    bus : In(AvalonSignature)
    core : In(BarrelSignature), without tap
        To be connected to the core.
    busy : Out(1)
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config, self.registers = config, batch_map(config.model, config.arithmetic.logit)
        self.name_words = core_name_words(config.name)
        super().__init__(
            {"bus": In(AvalonSignature()), "core": In(BarrelSignature(config, tap=False)), "busy": Out(1)}
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.end = end = RegisterBus()
        wiring.connect(m, wiring.flipped(self.bus), end.bus)
        core, access, limit = self.core, end.access, self.registers.register("config").field("limit")
        batch = Signal(batch_layout(self.config), name="batch_to_be")
        held = Signal(batch_layout(self.config), name="held")
        # The limit as it was written, so that one that is too large is refused and not cut.
        asked = Signal(limit.width, init=self.config.model.max_letters, name="asked")
        seed, count = Signal(32, init=1, name="seed"), Signal(32, init=1, name="count")
        temperature = Signal(16, init=0x80, name="temperature")
        waiting, refused, write = Signal(name="waiting"), Signal(name="refused"), Signal(name="write")
        start, clear = Signal(name="start"), Signal(name="clear")

        def at(name: str) -> Value:
            return access.word == self.registers.register(name).address >> 2

        m.d.comb += [
            write.eq(end.execute & access.write & access.enables.all()),
            start.eq(write & at("control") & access.data[0]),
            clear.eq(write & at("control") & access.data[1]),
            batch.seed.eq(seed),
            batch.count.eq(count),
            batch.temperature.eq(temperature),
            # 0 is illegal in every core.
            batch.limit.eq(asked if len(batch.limit) >= len(asked) else _fitting(asked, len(batch.limit))),
            core.batch.valid.eq(waiting & ~core.clear),
            core.batch.payload.eq(held),
            core.result.ready.eq(1),
            core.clear.eq(clear),
            self.busy.eq(core.busy | waiting),
        ]
        with m.If(write & at("seed")):
            m.d.sync += seed.eq(access.data)
        with m.If(write & at("count")):
            m.d.sync += count.eq(access.data)
        with m.If(write & at("config")):
            m.d.sync += [asked.eq(access.data[limit.low : limit.low + limit.width]), temperature.eq(access.data[16:])]
        with m.If(core.batch.valid & core.batch.ready):
            m.d.sync += waiting.eq(0)
        with m.If(clear):
            m.d.sync += [waiting.eq(0), refused.eq(0)]
        with m.If(start & (clear | ~waiting)):
            m.d.sync += [waiting.eq(1), held.eq(batch)]
        with m.Elif(start):
            m.d.sync += refused.eq(1)

        def halves(value: Value) -> list[Value]:
            return [value[:32], value[32:]]

        words: dict[str, list[Any]] = {
            "id": [C(self.registers.register("id").reset or 0, 32)],
            "version": [C(self.registers.register("version").reset or 0, 32)],
            "status": [Cat(waiting, self.busy, C(0, 1), core.error, refused)],
            "config": [Cat(C(0, 8), asked, temperature)],
            "seed": [seed],
            "count": [count],
            "core_name": [C(word, 32) for word in self.name_words],
            "streams": [C(self.config.streams, 32)],
            "digest": [core.counters.digest],
            **{name: halves(core.counters[name]) for name in ("cycles", "steps", "letters")},
        }
        m.d.comb += end.answer.eq(read_multiplexer(m, self.registers, words, access.word))
        return m


def _fitting(value: Value, width: int) -> Value:
    """Return a value in fewer bits, 0 where it does not fit."""
    return value[:width] & ~value[width:].any().replicate(width)


class BatchSystem(wiring.Component):
    """A core with several streams behind its registers, in the domain ``sync``, without the tap of a test bench.

    Members
    -------
    bus : In(AvalonSignature)
    busy : Out(1)
    """

    def __init__(self, design: Design) -> None:
        self.core, self.block = Barrel(design, tap=False), BatchBlock(design.core)
        super().__init__({"bus": In(AvalonSignature()), "busy": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.core, m.submodules.registers = core, block = self.core, self.block
        wiring.connect(m, core, block.core)
        wiring.connect(m, wiring.flipped(self.bus), block.bus)
        m.d.comb += self.busy.eq(block.busy)
        return m
