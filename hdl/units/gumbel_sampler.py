"""The sampler that adds noise: one maximum draws a token."""

from __future__ import annotations

from typing import Any, ClassVar

from amaranth.hdl import Module, Mux, Shape, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.units.argmax import first_maximum
from hdl.units.format import shape_of
from hdl.units.gumbel_noise import GumbelNoise
from hdl.units.lent_rom import LentRom
from hdl.units.multipliers import MultiplierPort, bank_of, share
from hdl.units.sampler import draw_layout, sample_layout
from talos_ref.golden.format import Format
from talos_ref.golden.gumbel_sampler import GumbelSampler as GumbelSamplerSpec
from talos_ref.golden.sampler import TEMPERATURE

__all__ = ["GumbelSampler"]


class GumbelSampler(wiring.Component):
    """``token = argmax(logit · 2^4 + noise)`` of ``talos_ref.golden.gumbel_sampler``, or the argmax of the logits.

    The noise depends on no logit: ``prepare`` begins it, ``PREPARATION`` cycles before all of it is there, and it
    serves one sample. Noise and logits are added to the keys as they come, so that a token is offered ``LATENCY``
    cycles after the first in which ``i`` is valid and both have come, whatever the data are; the next sample can start
    in the cycle that takes the result. Respects backpressure.

        0: the largest key    1: the token is offered

    Parameters
    ----------
    spec
        ``talos_ref.golden.gumbel_sampler.GumbelSampler``.
    vocab_size
        Logits, 2 to 1024.
    word
        Format of the logits.
    shared
        Whether the products come from outside.
    lanes, bits_per_cycle
        Of other samplers; noise is made in ``BLOCKS`` blocks.

    Raises TypeError or ValueError for a parameter of the wrong kind or out of range.

    Members
    -------
    temperature : In(stream), UQ8.8
        Always ready; read by the noise that a ``prepare`` in the same or a later cycle begins.
    prepare : In(1)
    state : In(32)
        The random state to draw with, read with ``prepare``.
    arriving : In(stream of logits), always ready
        Once a sample, between ``prepare`` and ``i``, or with it; not in the cycles in which noise comes, which are the
        last before ``PREPARATION``.
    i : In(stream): ``logits`` [vocab_size], ``rng`` (not read), ``greedy``
    o : Out(stream): ``token``, ``argmax``, ``top_logit``
    noise_multipliers : Out(MultiplierPort)
        Only with ``shared``. Idle from ``PREPARATION`` cycles after ``prepare`` on.
    """

    PREPARES: ClassVar[bool] = True
    """Whether a sampler has the ports ``prepare`` and ``state``."""
    LATENCY = 1
    BLOCKS = 5
    """So few that the noise is multiplied before a core has the first hidden unit, whose multipliers it takes: in
    cycles 4 to 9 of a step. More would save a lane's hash and table each, and cost a cycle at position 0."""

    def __init__(
        self,
        spec: GumbelSamplerSpec,
        *,
        vocab_size: int,
        lanes: int,
        word: Format,
        bits_per_cycle: int = 3,
        shared: bool = False,
        registered: bool = False,
    ) -> None:
        self.spec, self.vocab_size, self.word, self.shared = spec, vocab_size, word, shared
        self.noise = GumbelNoise(spec, vocab_size=vocab_size, lanes=-(-vocab_size // self.BLOCKS))
        self.PREPARATION = self.noise.LATENCY + self.noise.blocks
        ports = self.turns(spec, word, vocab_size, lanes)
        super().__init__(
            ({name: Out(port) for name, port in ports.items()} if shared else {})
            | {
                "temperature": In(stream.Signature(shape_of(TEMPERATURE))),
                "prepare": In(1),
                "state": In(32),
                "arriving": In(stream.Signature(data.ArrayLayout(shape_of(word), vocab_size), always_ready=True)),
                "i": In(stream.Signature(sample_layout(vocab_size, shape_of(word)))),
                "o": Out(stream.Signature(draw_layout(vocab_size, shape_of(word)))),
            }
        )

    @staticmethod
    def key_shape(spec: GumbelSamplerSpec, word: Format) -> Shape:
        """Return the shape of a key, from the largest noise and the largest logit that there are."""
        least, probabilities = spec.noise.distribution
        reach = max(-least, least + len(probabilities) - 1)
        largest = ((reach * spec.max_temperature) >> spec.noise_shift) + 1 + (-word.low << spec.key_shift)
        return signed(largest.bit_length() + 1)

    @classmethod
    def turns(cls, spec: GumbelSamplerSpec, word: Format, vocab_size: int, lanes: int) -> dict[str, MultiplierPort]:
        """Return port -> signature of the multipliers that take turns."""
        return {"noise_multipliers": GumbelNoise.port(spec, -(-vocab_size // cls.BLOCKS))}

    @staticmethod
    def apart(spec: GumbelSamplerSpec, word: Format) -> dict[str, MultiplierPort]:
        """Return port -> signature of the multipliers that it has to itself: none."""
        return {}

    @classmethod
    def roms(cls, spec: GumbelSamplerSpec, vocab_size: int) -> list[tuple[int, int]]:
        """Return words and bits of its memories: a table for every lane of the noise."""
        return [GumbelNoise.rom(spec)] * -(-vocab_size // cls.BLOCKS)

    @property
    def turn_ports(self) -> list[Any]:
        """Ports that take turns at a bank."""
        return [self.noise_multipliers] if self.shared else []

    @property
    def apart_ports(self) -> list[Any]:
        """Ports that have multipliers of their own: none."""
        return []

    def lend(self) -> list[LentRom]:
        """As of ``Lender``."""
        return self.noise.lend()

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.noise = noise = self.noise
        temperature = Signal(shape_of(TEMPERATURE), name="temperature")
        with m.If(self.temperature.valid):
            m.d.sync += temperature.eq(self.temperature.payload)
        m.d.comb += [
            self.temperature.ready.eq(1),
            noise.start.eq(self.prepare),
            noise.rng.eq(self.state),
            noise.temperature.eq(temperature),
        ]
        if self.shared:
            wiring.connect(m, noise.multipliers, wiring.flipped(self.noise_multipliers))
        else:
            m.submodules.bank = bank = bank_of([noise.multipliers])
            share(m, bank, [noise.multipliers])

        # Keys: either comes first, never both in one cycle.
        noisy, there = Signal(name="noisy"), Signal(name="there")
        with m.If(self.prepare):
            m.d.sync += [noisy.eq(0), there.eq(0)]
        with m.Else():
            m.d.sync += [
                noisy.eq(noisy | (noise.o.valid & noise.o.p.last)),
                there.eq(there | self.arriving.valid),
            ]
        keys, shape = [], self.key_shape(self.spec, self.word)
        for token in range(self.vocab_size):
            block, lane = divmod(token, noise.lanes)
            logit = self.arriving.payload[token] << self.spec.key_shift
            added = noise.o.p.noises[lane]
            key = Signal(shape, name=f"key{token}")
            with m.If(self.prepare):
                m.d.sync += key.eq(0)
            with m.Elif(self.arriving.valid | (noise.o.valid & (noise.o.p.block == block))):
                m.d.sync += key.eq(key + Mux(self.arriving.valid, logit, added))
            keys.append(key)

        # Cycle 0.
        start = Signal(name="start")
        m.d.comb += [
            start.eq(self.i.valid & noisy & there & (~self.o.valid | self.o.ready)),
            self.i.ready.eq(start),
        ]
        best, top = first_maximum(m, [self.i.p.logits[token] for token in range(self.vocab_size)], "logits")
        drawn, _ = first_maximum(m, keys, "keys")
        with m.If(start):
            m.d.sync += [
                self.o.valid.eq(1),
                self.o.p.token.eq(Mux(self.i.p.greedy, best, drawn)),
                self.o.p.argmax.eq(best),
                self.o.p.top_logit.eq(top),
            ]
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        return m
