"""The weights of the sampler of ``talos-v2``: four temperatures and a table, some tokens a cycle."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, signed, unsigned
from amaranth.lib import wiring

from hdl.units.exp import wrapping_exp
from hdl.units.multipliers import MultiplierPort
from hdl.units.variants import weights_signature
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
    def turns(spec: BucketSampler, word: Format, lanes: int) -> dict[str, MultiplierPort]:
        """Return nothing: the weights come from a table."""
        return {}

    @staticmethod
    def apart(spec: BucketSampler, word: Format) -> dict[str, MultiplierPort]:
        """Return nothing."""
        return {}

    @staticmethod
    def random_factor(spec: BucketSampler) -> int:
        """Return the published constant."""
        return spec.multiplier

    @staticmethod
    def sum_width(spec: BucketSampler, vocab_size: int) -> int:
        """Return the width of a sum, which wraps as the weights do."""
        return spec.exp.width

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
