"""The weights of the sampler of ``talos-v2``: four temperatures and a table, some tokens a cycle."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import wiring

from hdl.units.exp import wrapping_exp
from hdl.units.products import multipliers_of, unsigned_product
from hdl.units.variants import RNG_BITS, UNIFORM_BITS, weights_signature
from talos_ref.golden.format import Format
from talos_ref.golden.sampler import BucketSampler

__all__ = ["BucketWeights"]


class BucketWeights(wiring.Component):
    """``WrappingExp`` of ``(logit - top)`` after the temperature of ``talos_ref.golden.sampler.BucketSampler``.

    Timing: ``LATENCY`` cycles, ``lanes`` logits a cycle; ``top`` is needed along with the logits. A temperature takes
    effect in the cycle after it is accepted; after reset it is 0.
    """

    LATENCY = 1
    FEED = 1
    """Cycles from the start of a sample to its first logits: those that ``top`` takes."""

    SETTLE = 1

    def __init__(self, spec: BucketSampler, word: Format, lanes: int, bits_per_cycle: int) -> None:
        self.spec, self.word, self.lanes = spec, word, lanes
        self.weight = unsigned(spec.exp.width)
        super().__init__(weights_signature(word, lanes, self.weight))

    @staticmethod
    def port(spec: BucketSampler, word: Format, lanes: int) -> None:
        """Return nothing: the weights come from a table."""

    @staticmethod
    def own_multipliers(spec: BucketSampler, word: Format) -> int:
        """Return the multipliers of the uniform number."""
        return multipliers_of(RNG_BITS, spec.multiplier.bit_length())

    @staticmethod
    def sum_width(spec: BucketSampler, vocab_size: int) -> int:
        """Return the width of a sum, which wraps as the weights do."""
        return spec.exp.width

    def uniform(self, m: Module, rng: Value) -> Value:
        """Return the upper bits of the state's product with the published constant."""
        multiplier = Const(self.spec.multiplier)
        return unsigned_product(m, rng, multiplier, "uniform_product")[len(rng) - UNIFORM_BITS : len(rng)]

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        temperature = self.temperature.payload
        doubled = Signal(init=1, name="doubled")
        halved = Signal(name="halved")
        quartered = Signal(name="quartered")
        m.d.comb += [self.temperature.ready.eq(1), self.settled.eq(1)]
        with m.If(self.temperature.valid):
            m.d.sync += [
                doubled.eq(temperature <= 0x80),
                halved.eq((temperature > 0x100) & (temperature <= 0x200)),
                quartered.eq(temperature > 0x200),
            ]
        for lane in range(self.lanes):
            difference = Signal(signed(self.word.width + 1), name=f"difference_{lane}")
            delta = Signal(signed(self.word.width + 2), name=f"delta_{lane}")
            m.d.comb += [
                difference.eq(self.logits[lane] - self.top),
                delta.eq(
                    Mux(doubled, difference << 1,
                        Mux(halved, difference >> 1, Mux(quartered, difference >> 2, difference)))
                ),
            ]  # fmt: skip
            m.d.sync += self.weights[lane].eq(wrapping_exp(m, self.spec.exp, delta))
        return m
