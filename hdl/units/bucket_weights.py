"""The weights of the sampler of ``talos-v2``: four temperatures and a table, some tokens a cycle."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, signed, unsigned
from amaranth.lib import wiring

from hdl.units.exp import wrapping_weight
from hdl.units.multipliers import MultiplierPort
from hdl.units.variants import weights_signature
from talos_ref.golden.format import Format
from talos_ref.golden.sampler import BucketSampler

__all__ = ["BucketWeights"]


class BucketWeights(wiring.Component):
    """``WrappingExp`` of ``(logit - top)`` after the temperature of ``talos_ref.golden.sampler.BucketSampler``.

    Timing: ``LATENCY`` cycles, ``lanes`` logits a cycle; ``top`` is needed a cycle after the logits. A temperature
    takes effect in the cycle after it is accepted; after reset it is 0.
    """

    LATENCY = 2
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
        offset = Signal(range(512), init=63, name="offset")
        m.d.comb += [self.temperature.ready.eq(1), self.settled.eq(1)]
        with m.If(self.temperature.valid):
            at_most = [temperature <= bound for bound in (0x80, 0x100, 0x200)]
            m.d.sync += [
                doubled.eq(at_most[0]),
                halved.eq(at_most[2] & ~at_most[1]),
                quartered.eq(~at_most[2]),
                offset.eq(Mux(at_most[0], 63, Mux(at_most[1], 127, Mux(at_most[2], 255, 511)))),
            ]
        # With d = logit - top, (127 - delta) >> 8 is (63 - d) >> 7 for a delta of 2d, (255 - d) >> 9 for d >> 1, and
        # (511 - d) >> 10 for d >> 2: so one difference does, of which all but the largest logit is
        # there a cycle before.
        width = self.word.width + 2
        for lane in range(self.lanes):
            logit = Signal.like(self.logits[lane], name=f"logit_{lane}")
            rest = Signal(signed(width), name=f"rest_{lane}")
            below = Signal(signed(width), name=f"below_{lane}")
            steps = Signal(8, name=f"steps_{lane}")
            largest = Signal(name=f"largest_{lane}")
            m.d.sync += [logit.eq(self.logits[lane]), rest.eq(offset - self.logits[lane])]
            m.d.comb += [
                below.eq(self.top + rest),
                steps.eq(Mux(doubled, below >> 7, Mux(halved, below >> 9, Mux(quartered, below >> 10, below >> 8)))),
                # The sign of a difference, which a carry chain makes; Yosys puts a comparison into tables.
                largest.eq(~(logit - self.top)[-1]),
            ]
            m.d.sync += self.weights[lane].eq(wrapping_weight(m, self.spec.exp, steps, largest))
        return m
