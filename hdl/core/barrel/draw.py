"""Draws a token from the logits of a stream: noise and maximum, some tokens a cycle."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import C, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.core.barrel.interface import tap_layout
from hdl.core.barrel.jobs import logits_layout
from hdl.core.barrel.memory import Queue, block_memory
from hdl.core.config import CoreConfig
from hdl.units.argmax import first_maximum
from hdl.units.format import index_shape, shape_of
from hdl.units.gumbel_noise import GumbelNoise
from hdl.units.gumbel_sampler import GumbelSampler
from hdl.units.lent_rom import LentRom
from hdl.units.logic_multipliers import LogicMultipliers
from hdl.units.select import choose
from hdl.units.xorshift32 import xorshift32
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.golden.sampler import TEMPERATURE

__all__ = ["Draw", "drawn_layout", "random_layout"]

_LEAST_SPACING = 3
"""Cycles between two steps, so that noise takes its temperature from a register before the next one's comes there."""


def random_layout() -> data.StructLayout:
    """Return what a step is drawn with: the random state before it, and the temperature (UQ8.8)."""
    return data.StructLayout({"rng": 32, "temperature": shape_of(TEMPERATURE)})


def drawn_layout(config: CoreConfig) -> data.StructLayout:
    """Return a stream with its token."""
    return data.StructLayout({"stream": index_shape(config.streams), "token": range(config.model.vocab_size)})


class Draw(wiring.Component):
    """``token = argmax(logit · 2^4 + noise)`` of ``talos_ref.golden.gumbel_sampler``, of one stream after another.

    ``SPACING`` cycles a step, ``sampler_lanes`` tokens a cycle. A token is offered ``LATENCY`` cycles after its step is
    chosen. Temperature 0 makes no noise, so that the largest logit is drawn. Steps at position 0 have constant logits
    and go first.

        0: choose a step, address its random state    1: noise begins    6: address logits    7: noise and logits
        8: keys    9: largest so far

    Members
    -------
    i : In(stream of logits_layout), always ready
    first : In(stream of a stream's number), always ready
        A step at position 0.
    chosen : Out
        The stream whose random state is wanted.
    begun : Out(stream of a stream's number), always ready
        A step at position 0 is chosen, ``SPACING`` cycles or more after the one before.
    random : In(random_layout)
        That of the stream ``chosen`` in the cycle before.
    o : Out(stream of drawn_layout), always ready
    tap_valid, tap : Out
        As of the core; only with ``tap``.
    """

    def __init__(self, config: CoreConfig, golden: IntegerModel, *, tap: bool) -> None:
        self.config, self.with_tap = config, tap
        sampler: Any = config.arithmetic.sampler
        self.sampler = sampler
        self.lanes = min(config.sampler_lanes, config.model.vocab_size)
        self.noise = GumbelNoise(sampler, vocab_size=config.model.vocab_size, lanes=self.lanes, abandons=False)
        self.SPACING = max(self.noise.blocks, _LEAST_SPACING)
        self.LATENCY = 1 + self.noise.LATENCY + self.noise.blocks + 2
        self.constants = golden.logits(config.model.bos, 0, golden.new_cache())
        super().__init__(
            {
                "i": In(stream.Signature(logits_layout(config), always_ready=True)),
                "first": In(stream.Signature(index_shape(config.streams), always_ready=True)),
                "chosen": Out(index_shape(config.streams)),
                "begun": Out(stream.Signature(index_shape(config.streams), always_ready=True)),
                "random": In(random_layout()),
                "o": Out(stream.Signature(drawn_layout(config), always_ready=True)),
            }
            | ({"tap_valid": Out(1), "tap": Out(tap_layout(config))} if tap else {})
        )

    def lend(self) -> list[LentRom]:
        """As of ``Lender``."""
        return self.noise.lend()

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        config, lanes, noise = self.config, self.lanes, self.noise
        number, logit = index_shape(config.streams), shape_of(config.arithmetic.logit)
        m.submodules.noise = noise
        m.submodules.products = products = LogicMultipliers(noise.multipliers.signature)
        wiring.connect(m, noise.multipliers, products.port)
        m.submodules.waiting, m.submodules.firsts = waiting, firsts = (
            Queue(number, config.streams), Queue(number, config.streams)
        )  # fmt: skip
        write, read = block_memory(m, platform, "logits", self.i.p.logits.shape(), config.streams)
        m.d.comb += [
            write.en.eq(self.i.valid),
            write.addr.eq(self.i.p.stream),
            write.data.eq(self.i.p.logits),
            waiting.i.valid.eq(self.i.valid),
            waiting.i.payload.eq(self.i.p.stream),
            firsts.i.valid.eq(self.first.valid),
            firsts.i.payload.eq(self.first.payload),
        ]

        # Cycle 0.
        pause = Signal(range(self.SPACING), name="pause")
        begin, may = Signal(name="begin"), Signal(name="may")
        m.d.comb += [
            may.eq(pause == 0),
            begin.eq(may & (firsts.o.valid | waiting.o.valid)),
            firsts.o.ready.eq(may),
            waiting.o.ready.eq(may & ~firsts.o.valid),
            self.chosen.eq(Mux(firsts.o.valid, firsts.o.payload, waiting.o.payload)),
            self.begun.valid.eq(firsts.o.valid & firsts.o.ready),
            self.begun.payload.eq(firsts.o.payload),
        ]
        m.d.sync += pause.eq(Mux(begin, self.SPACING - 1, Mux(may, 0, pause - 1)))
        valid: list[Any] = [begin]
        streams: list[Any] = [self.chosen]
        constant: list[Any] = [firsts.o.valid]
        for stage in range(1, noise.LATENCY + 1):
            valid.append(Signal(name=f"valid{stage}"))
            streams.append(Signal(number, name=f"stream{stage}"))
            constant.append(Signal(name=f"constant{stage}"))
            for pipe in (valid, streams, constant):
                m.d.sync += pipe[stage].eq(pipe[stage - 1])

        # Cycle 1; the temperature is multiplied with from cycle 6 on, when the next step may have begun.
        drawn = Signal(32, name="drawn")
        asked = Signal(shape_of(TEMPERATURE), name="asked")
        temperature = Signal(shape_of(TEMPERATURE), name="temperature")
        m.d.comb += [
            drawn.eq(xorshift32(self.random.rng)),
            noise.start.eq(valid[1]),
            noise.rng.eq(drawn),
            noise.temperature.eq(temperature),
        ]
        with m.If(valid[1]):
            m.d.sync += asked.eq(self.random.temperature)
        with m.If(valid[4]):
            m.d.sync += temperature.eq(asked)

        # Cycle 6: the logits stay until the next step's are addressed.
        address = noise.LATENCY
        now, first = Signal(number, name="now"), Signal(name="first_step")
        m.d.comb += [read.addr.eq(streams[address]), read.en.eq(valid[address])]
        with m.If(valid[address]):
            m.d.sync += [now.eq(streams[address]), first.eq(constant[address])]

        # Cycle 7. What lies beyond the tokens is never the largest.
        shape = GumbelSampler.key_shape(self.sampler, config.arithmetic.logit)
        lowest = Const(-(1 << (shape.width - 1)), shape)
        vocab, block = config.model.vocab_size, noise.o.p.block
        keys = [Signal(shape, name=f"key{lane}") for lane in range(lanes)]
        for lane in range(lanes):
            tokens = range(lane, vocab, lanes)
            own: list[Value] = [
                Mux(first, Const(self.constants[token], logit), read.data[token]) for token in tokens
            ]
            key = (choose(own, block).as_signed() << self.sampler.key_shift) + noise.o.p.noises[lane]
            beyond = (block == noise.blocks - 1) if len(tokens) < noise.blocks else C(0, 1)
            m.d.sync += keys[lane].eq(Mux(beyond, lowest, key))
        there, ends, begins = Signal(name="there"), Signal(name="ends"), Signal(name="begins")
        base, stream8 = Signal(range(vocab), name="base"), Signal(number, name="stream8")
        starts = [C(place * lanes, (vocab - 1).bit_length()) for place in range(noise.blocks)]
        m.d.sync += [
            there.eq(noise.o.valid),
            ends.eq(noise.o.p.last),
            begins.eq(block == 0),
            base.eq(choose(starts, block)),
            stream8.eq(now),
        ]

        # Cycle 8.
        best, token = Signal(shape, name="best"), Signal(range(vocab), name="token")
        place, largest = first_maximum(m, [Mux(begins, lowest, best), *keys])
        with m.If(there):
            m.d.sync += [best.eq(largest), token.eq(Mux(place == 0, token, base + place - 1))]
        m.d.sync += [self.o.valid.eq(there & ends), self.o.p.stream.eq(stream8)]
        m.d.comb += self.o.p.token.eq(token)
        if self.with_tap:
            self._tap(m, valid, drawn, now, first, read)
        return m

    def _tap(self, m: Module, valid: list[Any], drawn: Value, now: Value, first: Value, read: Any) -> None:
        """Show the logits in the cycle of the first noise, and the state that it began with six cycles before."""
        states: list[Any] = [Mux(self.random.temperature == 0, self.random.rng, drawn)]
        for stage in range(self.noise.LATENCY):
            states.append(Signal(32, name=f"state{stage}"))
            m.d.sync += states[stage + 1].eq(states[stage])
        m.d.comb += [
            self.tap_valid.eq(self.noise.o.valid & (self.noise.o.p.block == 0)),
            self.tap.stream.eq(now),
            self.tap.rng.eq(states[-1]),
        ]
        for token, logit in enumerate(self.constants):
            m.d.comb += self.tap.logits[token].eq(Mux(first, logit, read.data[token]))
