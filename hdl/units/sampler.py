"""Samplers: weights of all tokens, their running sums, a random cut, and the first sum above it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from amaranth.hdl import Array, C, Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.units.argmax import first_maximum
from hdl.units.format import shape_of
from hdl.units.lent_rom import LentRom
from hdl.units.multipliers import MultiplierPort, bank_of, share
from hdl.units.priority import first_index
from hdl.units.products import WideProduct
from hdl.units.recurrence import check_width
from hdl.units.registry import sampler_weights_of
from hdl.units.variants import RNG_BITS, UNIFORM_BITS
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
    after ``i`` becomes valid, one more if it is ``registered``, an argmax after ``GREEDY_LATENCY``, whatever the data
    are; ``w`` is ``LATENCY`` of the weights, 2 for BucketSampler and 3 for Exp2Sampler. The next sample can start in
    the cycle that takes the result. Respects backpressure.

        0                    the largest logit and its index; the uniform number, or the product that it is made of
        0 to w + blocks - 2  weights, a block a cycle (stages: see ``BucketWeights``, ``Exp2Weights``)
        w to w + blocks - 1  running sums, a block a cycle
        w + blocks           uniform number times the last sum, in pieces
        w + blocks + 1       their sum, the cut; all sums against it, and the first one above it: a cycle later if the
                             cut is registered

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
        Whether the products come from outside.
    registered
        Whether the cut is in a register before it is compared.

    Raises TypeError or ValueError for a parameter of the wrong kind or out of range.

    Members
    -------
    temperature : In(stream), UQ8.8
    i : In(stream): ``logits`` [vocab_size], ``rng``, ``greedy``
    o : Out(stream): ``token``, ``argmax``, ``top_logit``
    multipliers, top_multipliers, cut_multipliers, random_multipliers : Out(MultiplierPorts)
        Only with ``shared``, and those that there are: of the logits, of the largest one, of the cut, of the random
        state. All but ``top_multipliers`` take turns.
    """

    PREPARES: ClassVar[bool] = False
    """Whether a sampler has the ports ``prepare`` and ``state``."""
    GREEDY_LATENCY = 1
    PREPARATION = 0
    """Cycles from ``prepare`` to the first in which a sample can begin."""

    def __init__(
        self,
        spec: SamplerSpec,
        *,
        vocab_size: int,
        lanes: int,
        word: Format,
        bits_per_cycle: int = 3,
        shared: bool = False,
        registered: bool = False,
    ) -> None:
        check_width("vocab_size", vocab_size, 1024, low=2)
        check_width("lanes", lanes, 1024)
        self.lanes = min(lanes, vocab_size)
        self.weights = sampler_weights_of(spec)(spec, word, self.lanes, bits_per_cycle)
        self.SETTLE = self.weights.SETTLE
        self.sum_width = self.weights.sum_width(spec, vocab_size)
        self.spec, self.vocab_size, self.word = spec, vocab_size, word
        self.blocks = -(-vocab_size // self.lanes)
        self.registered = registered
        self.LATENCY = self.weights.LATENCY + self.blocks + 2 + registered
        self.factor = self.weights.random_factor(spec)
        self.cut_product, self.random_product = self.products(spec, vocab_size)
        self.shared = shared
        ports = self.turns(spec, word, vocab_size, self.lanes) | self.weights.apart(spec, word)
        super().__init__(
            ({name: Out(port) for name, port in ports.items()} if shared else {})
            | {
                "temperature": In(stream.Signature(shape_of(TEMPERATURE))),
                "i": In(stream.Signature(sample_layout(vocab_size, shape_of(word)))),
                "o": Out(stream.Signature(draw_layout(vocab_size, shape_of(word)))),
            }
        )

    @staticmethod
    def products(spec: SamplerSpec, vocab_size: int) -> tuple[WideProduct, WideProduct | None]:
        """Return the products of the cut and of the random state, if it is multiplied."""
        weights = sampler_weights_of(spec)
        factor = weights.random_factor(spec)
        cut = WideProduct(UNIFORM_BITS, weights.sum_width(spec, vocab_size))
        return cut, None if factor is None else WideProduct(RNG_BITS, factor.bit_length())

    @staticmethod
    def turns(spec: SamplerSpec, word: Format, vocab_size: int, lanes: int) -> dict[str, MultiplierPort]:
        """Return port -> signature of the multipliers that take turns."""
        cut, random = Sampler.products(spec, vocab_size)
        ports = sampler_weights_of(spec).turns(spec, word, lanes) | {"cut_multipliers": cut.port()}
        return ports if random is None else ports | {"random_multipliers": random.port()}

    @staticmethod
    def apart(spec: SamplerSpec, word: Format) -> dict[str, MultiplierPort]:
        """Return port -> signature of the multipliers that it has to itself."""
        return sampler_weights_of(spec).apart(spec, word)

    @staticmethod
    def roms(spec: SamplerSpec, vocab_size: int) -> list[tuple[int, int]]:
        """Return words and bits of its memories: none."""
        return []

    @property
    def turn_ports(self) -> list[Any]:
        """Ports that take turns at a bank."""
        return [getattr(self, name) for name in self.turns(self.spec, self.word, self.vocab_size, self.lanes)]

    @property
    def apart_ports(self) -> list[Any]:
        """Ports that have multipliers of their own."""
        return [getattr(self, name) for name in self.weights.apart(self.spec, self.word)]

    def lend(self) -> list[LentRom]:
        """As of ``Lender``: it has tables of logic alone."""
        return []

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
        first_sums = weights.LATENCY
        feeding = cycle[: self.blocks]
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
            ]
        ports = self._multipliers(m)
        for name in weights.turns(self.spec, self.word, self.lanes):
            m.d.comb += getattr(weights, name).valid.eq(feeding.any())
        drawn, state = start, self.i.p.rng[:UNIFORM_BITS]
        if self.random_product is not None and self.factor is not None:
            random = ports["random_multipliers"]
            self.random_product.drive(m, random, self.i.p.rng, C(self.factor))
            m.d.comb += random.valid.eq(start)
            # Cycle 1: the upper bits of the product modulo 2^32.
            product = self.random_product.product(m, random, "random_product")
            drawn, state = cycle[1], product[RNG_BITS - UNIFORM_BITS : RNG_BITS]
        with m.If(drawn):
            m.d.sync += uniform.eq(state)

        # Weights, from cycle 0 on; the largest logit is there from cycle 1 on.
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

        # Cycle w + blocks.
        cut_port = ports["cut_multipliers"]
        m.d.comb += cut_port.valid.eq(cycle[first_sums + self.blocks])
        self.cut_product.drive(m, cut_port, uniform, sums[-1])

        # Cycle w + blocks + 1. The cut is below the last sum by itself, as the uniform number is below 1.
        cut = Signal(self.sum_width, name="cut")
        domain = m.d.sync if self.registered else m.d.comb
        domain += cut.eq(self.cut_product.product(m, cut_port)[UNIFORM_BITS:])
        hits = Signal(self.vocab_size, name="hits")
        # sum > cut as the sign of a difference, which a carry chain makes; Yosys puts a comparison into tables.
        m.d.comb += hits.eq(Cat((cut - sums[token])[-1] for token in range(self.vocab_size)))
        hit, index = first_index(m, hits)
        with m.If(cycle[-1] & hit):
            m.d.sync += self.o.p.token.eq(index)
        return m

    def _multipliers(self, m: Module) -> dict[str, Any]:
        """Return the ports for multipliers, connected to a bank of the sampler's own unless they are shared."""
        weights, own = self.weights, ("cut_multipliers", "random_multipliers")
        turns = self.turns(self.spec, self.word, self.vocab_size, self.lanes)
        apart = weights.apart(self.spec, self.word)
        if self.shared:
            ports = {name: getattr(self, name) for name in turns | apart}
            for name, port in ports.items():
                if name not in own:
                    wiring.connect(m, getattr(weights, name), wiring.flipped(port))
            return ports
        ports = {
            name: port.create(path=(name,)) if name in own else getattr(weights, name)
            for name, port in (turns | apart).items()
        }
        users, others = [ports[name] for name in turns], [ports[name] for name in apart]
        m.submodules.bank = bank = bank_of(users, others)
        share(m, bank, users, others)
        return ports


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
