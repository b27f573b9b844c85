"""Samplers: weights of all tokens, their running sums, a random cut, and the first sum above it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Array, Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.units.argmax import first_maximum
from hdl.units.format import shape_of
from hdl.units.multipliers import bank_of, share
from hdl.units.priority import first_index
from hdl.units.products import multipliers_of, unsigned_product
from hdl.units.recurrence import check_width
from hdl.units.registry import sampler_weights_of
from hdl.units.variants import UNIFORM_BITS
from talos_ref.golden.format import Format
from talos_ref.golden.sampler import TEMPERATURE
from talos_ref.golden.sampler import Sampler as SamplerSpec

__all__ = ["Sampler", "draw_layout", "sample_layout"]


def sample_layout(vocab_size: int, word: Any) -> data.StructLayout:
    """Return the input of a sampler: all logits, the random state to draw with, and whether to take the argmax."""
    return data.StructLayout({"logits": data.ArrayLayout(word, vocab_size), "rng": 32, "greedy": 1})


def draw_layout(vocab_size: int, word: Any) -> data.StructLayout:
    """Return the result of a sampler: the token, the first of the largest logits, and that logit."""
    return data.StructLayout({"token": range(vocab_size), "argmax": range(vocab_size), "top_logit": word})


class Sampler(wiring.Component):
    """``token = spec.draw(logits, temperature, rng)``, or the argmax.

    Timing: with ``blocks = ceil(vocab_size / lanes)``, a token drawn is offered ``LATENCY = w + blocks + 2`` cycles
    after ``i`` becomes valid, an argmax after ``GREEDY_LATENCY``, whatever the data are; ``w`` is ``FEED + LATENCY`` of
    the weights, 2 for BucketSampler and 3 for Exp2Sampler. The next sample can start in the cycle that takes the
    result. Respects backpressure.

        0                    the largest logit and its index; the uniform number
        FEED to w + blocks - 2    weights, a block a cycle (FEED and stages: see ``BucketWeights``, ``Exp2Weights``)
        w to w + blocks - 1  running sums, a block a cycle
        w + blocks           uniform number times the last sum
        w + blocks + 1       all sums against the cut, and the first one above it

    ``i`` is accepted in the cycle that reads the last block, so that the logits are not copied; they stay what they are
    until then, as any stream's payload does. A sample waits for a temperature that is being offered or worked on, and a
    temperature for the sample under way. BucketSampler starts with a temperature of 0; Exp2Sampler waits for the first
    one, divides it beside other work (``SETTLE`` cycles), takes 0 for greedy, and 1 to 15 for 16.

    Parameters
    ----------
    spec
        A sampler of ``talos_ref.golden.sampler`` that ``hdl.units.registry`` has weights for.
    vocab_size
        Logits, 2 to 1024.
    lanes
        Weights a cycle, 1 to 1024.
    word
        Format of the logits.
    bits_per_cycle
        Quotient bits a cycle of the temperature's inverse.
    shared
        Whether the products of weights that multiply come from outside.

    Raises TypeError or ValueError for a parameter of the wrong kind or out of range.

    Members
    -------
    temperature : In(stream), UQ8.8
    i : In(stream): ``logits`` [vocab_size], ``rng``, ``greedy``
    o : Out(stream): ``token``, ``argmax``, ``top_logit``
    multipliers : Out(MultiplierPort), lanes × 1
        Only with ``shared``, and if the weights multiply.
    """

    GREEDY_LATENCY = 1

    def __init__(
        self,
        spec: SamplerSpec,
        *,
        vocab_size: int,
        lanes: int,
        word: Format,
        bits_per_cycle: int = 3,
        shared: bool = False,
    ) -> None:
        check_width("vocab_size", vocab_size, 1024, low=2)
        check_width("lanes", lanes, 1024)
        self.lanes = min(lanes, vocab_size)
        self.weights = sampler_weights_of(spec)(spec, word, self.lanes, bits_per_cycle)
        self.SETTLE = self.weights.SETTLE
        self.sum_width = self.weights.sum_width(spec, vocab_size)
        self.spec, self.vocab_size, self.word = spec, vocab_size, word
        self.blocks = -(-vocab_size // self.lanes)
        self.LATENCY = self.weights.FEED + self.weights.LATENCY + self.blocks + 2
        port = self.weights.port(spec, word, self.lanes)
        self.multiplies = port is not None
        self.shared = shared and self.multiplies
        super().__init__(
            ({"multipliers": Out(port)} if self.shared else {})
            | {
                "temperature": In(stream.Signature(shape_of(TEMPERATURE))),
                "i": In(stream.Signature(sample_layout(vocab_size, shape_of(word)))),
                "o": Out(stream.Signature(draw_layout(vocab_size, shape_of(word)))),
            }
        )

    @staticmethod
    def own_multipliers(spec: SamplerSpec, word: Format, vocab_size: int) -> int:
        """Return the device's multipliers that are used beside those of the port: of the cut, and of the weights."""
        weights = sampler_weights_of(spec)
        cut = multipliers_of(UNIFORM_BITS, weights.sum_width(spec, vocab_size))
        return cut + weights.own_multipliers(spec, word)

    @property
    def multiplier_ports(self) -> list[Any]:
        """Ports to connect to a bank, if there are any."""
        return [self.multipliers] if self.shared else []

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.weigher = weights = self.weights

        # Control: one bit for each cycle of the sample under way.
        start = Signal(name="start")
        greedy = Signal(name="greedy")
        idle = Signal(name="idle")
        later = Signal(self.LATENCY - 1, name="later")
        cycle = Cat(start & ~greedy, later)
        valid = Signal(name="valid")
        m.d.comb += [
            self.o.valid.eq(valid),
            idle.eq(~later.any() & (~valid | self.o.ready)),
            start.eq(self.i.valid & idle & weights.settled & ~self.temperature.valid),
            greedy.eq(self.i.p.greedy | weights.greedy),
            weights.temperature.valid.eq(self.temperature.valid & idle),
            weights.temperature.payload.eq(self.temperature.payload),
            self.temperature.ready.eq(weights.temperature.ready & idle),
        ]
        first_sums = weights.FEED + weights.LATENCY
        feeding = cycle[weights.FEED : weights.FEED + self.blocks]
        m.d.comb += self.i.ready.eq((start & greedy) | feeding[-1])
        m.d.sync += later.eq(cycle[:-1])
        with m.If((start & greedy) | cycle[-1]):
            m.d.sync += valid.eq(1)
        with m.Elif(self.o.ready):
            m.d.sync += valid.eq(0)

        # Cycle 0. The argmax is the token unless a later one is drawn.
        top_index, top = first_maximum(m, [self.i.p.logits[token] for token in range(self.vocab_size)])
        uniform = Signal(UNIFORM_BITS, name="uniform")
        with m.If(start):
            m.d.sync += [
                self.o.p.token.eq(top_index),
                self.o.p.argmax.eq(top_index),
                self.o.p.top_logit.eq(top),
                uniform.eq(weights.uniform(m, self.i.p.rng)),
            ]

        if self.multiplies:
            port = weights.multipliers
            m.d.comb += port.valid.eq(feeding.any())
            if self.shared:
                wiring.connect(m, port, wiring.flipped(self.multipliers))
            else:
                m.submodules.bank = bank = bank_of([port])
                share(m, bank, [port])

        # Weights, from cycle FEED on.
        block = Signal(range(max(self.blocks, 2)), name="block")
        with m.If(feeding.any()):
            m.d.sync += block.eq(Mux(feeding[-1], 0, block + 1))
        m.d.comb += weights.top.eq(self.o.p.top_logit)
        for lane in range(self.lanes):
            logits = [self.i.p.logits[token] for token in range(lane, self.vocab_size, self.lanes)]
            m.d.comb += weights.logits[lane].eq(Array(logits)[block] if len(logits) > 1 else logits[0])

        # Cycles w to w + blocks - 1: ``carried`` is the sum of the blocks before.
        sums = Signal(data.ArrayLayout(self.sum_width, self.vocab_size), name="sums")
        carried = Signal(self.sum_width, name="carried")
        running = _running_sums(m, [weights.weights[lane] for lane in range(self.lanes)], self.sum_width)
        if self.blocks > 1:
            running = _named(m, [carried + total for total in running], self.sum_width, "running")
            m.d.sync += carried.eq(Mux(cycle[first_sums : first_sums + self.blocks].any(), running[-1], 0))
        for token in range(self.vocab_size):
            with m.If(cycle[first_sums + token // self.lanes]):
                m.d.sync += sums[token].eq(running[token % self.lanes])

        # Cycle w + blocks. The cut is below the last sum by itself, as the uniform number is below 1.
        cut = Signal(self.sum_width, name="cut")
        m.d.sync += cut.eq(unsigned_product(m, uniform, sums[-1])[UNIFORM_BITS:])

        # Cycle w + blocks + 1.
        hits = Signal(self.vocab_size, name="hits")
        # sum > cut as the sign of a difference, which a carry chain makes; Yosys puts a comparison into tables.
        m.d.comb += hits.eq(Cat((cut - sums[token])[-1] for token in range(self.vocab_size)))
        hit, index = first_index(m, hits)
        with m.If(cycle[-1] & hit):
            m.d.sync += self.o.p.token.eq(index)
        return m


def _named(m: Module, values: Sequence[Any], shape: Any, name: str) -> list[Signal]:
    """Return a signal for each value, so that it is computed once.

    They are kept, since Yosys (alumacc, tried with 0.70) joins a sum of sums into carry-save adders and a last adder
    without the device's carry chains: 27 running sums came out 1.4 times as large and 2.6 times as slow.
    """
    signals = [Signal(shape, name=f"{name}_{k}", attrs={"keep": 1}) for k in range(len(values))]
    m.d.comb += [signal.eq(value) for signal, value in zip(signals, values, strict=True)]
    return signals


def _running_sums(m: Module, weights: Sequence[Any], width: int) -> list[Any]:
    """Return all prefix sums modulo 2^width, ``ceil(log2 n)`` additions deep: halves of halves (Sklansky 1960)."""
    if len(weights) == 1:
        return list(weights)
    half = 1 << ((len(weights) - 1).bit_length() - 1)
    left, right = _running_sums(m, weights[:half], width), _running_sums(m, weights[half:], width)
    return left + _named(m, [left[-1] + total for total in right], unsigned(width), f"prefix_{len(weights)}")
