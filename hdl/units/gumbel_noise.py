"""Gumbel noise for all tokens of a step, beside everything else that the step does."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, C, Cat, Const, Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl.device.target import target_of
from hdl.units.format import index_shape, shape_of, shift_right
from hdl.units.lane_bits import hash_rounds, last_mix
from hdl.units.lent_rom import LentRom, lent_address, lent_words, show
from hdl.units.memory_ports import read_port
from hdl.units.multipliers import MultiplierBank, MultiplierPort
from hdl.units.priority import first_index
from hdl.units.recurrence import check_width
from talos_ref.golden.format import Rounding
from talos_ref.golden.gumbel_noise import GumbelNoise as GumbelNoiseSpec
from talos_ref.golden.gumbel_sampler import GumbelSampler
from talos_ref.golden.lane_bits import ROUNDS, WEYL
from talos_ref.golden.sampler import TEMPERATURE

__all__ = ["GumbelNoise"]

_BITS = 32
_EARLY_ROUNDS = 2
"""Rounds of the hash in its first cycle."""


class GumbelNoise(wiring.Component):
    """``noises[i] = round(T · G(lane_bits(rng, i)))``, the ``noises`` of ``talos_ref.golden.gumbel_sampler``.

    ``lanes`` tokens a cycle, block by block. The first block is offered ``LATENCY`` cycles after ``start``, the others
    follow without a gap, whatever the data are; ``start`` in an earlier cycle begins anew. No backpressure. A block's
    cycles:

        0: rng + lane · WEYL    1, 2: hash    3: octave and place; the table is addressed    4: rise · place
        5: G, T · G    6: rounded and offered

    Parameters
    ----------
    spec
        ``talos_ref.golden.gumbel_sampler.GumbelSampler``.
    vocab_size
        Tokens, 2 to 1024.
    lanes
        Tokens a cycle, 1 to 1024.
    abandons
        Whether ``start`` ends what is under way; without, a start comes a block a cycle after the one before at the
        earliest, and the noise of both is offered.

    Raises TypeError or ValueError for a parameter of the wrong kind or out of range.

    Members
    -------
    start : In(1)
    rng : In(32)
        The state that the step draws with, read in the cycle of ``start``.
    temperature : In(UQ8.8)
        Read ``LATENCY - 2`` cycles after ``start``, and once more for each block, a cycle apart. 0 makes all noises 0,
        and what is out of the sampler's range counts as its bound.
    o : Out(stream), always ready: ``noises`` [lanes] of Q10.16, ``block``, ``last``
        Lane ``l`` of block ``b`` is token ``b · lanes + l``; what lies beyond the tokens is noise of nobody.
    multipliers : Out(MultiplierPort), 2 · lanes × 1
    """

    LATENCY = 5 + MultiplierBank.LATENCY
    lent: LentRom | None = None

    def __init__(self, spec: GumbelSampler, *, vocab_size: int, lanes: int, abandons: bool = True) -> None:
        check_width("vocab_size", vocab_size, 1024, low=2)
        check_width("lanes", lanes, 1024)
        self.spec, self.vocab_size, self.lanes = spec, vocab_size, min(lanes, vocab_size)
        self.abandons = abandons
        self.blocks = -(-vocab_size // self.lanes)
        super().__init__(
            {
                "start": In(1),
                "rng": In(_BITS),
                "temperature": In(shape_of(TEMPERATURE)),
                "o": Out(stream.Signature(self.block_layout(spec, vocab_size, self.lanes), always_ready=True)),
                "multipliers": Out(self.port(spec, self.lanes)),
            }
        )

    @classmethod
    def block_layout(cls, spec: GumbelSampler, vocab_size: int, lanes: int) -> data.StructLayout:
        """Return the layout of a block of noise."""
        blocks = index_shape(-(-vocab_size // lanes))
        return data.StructLayout(
            {"noises": data.ArrayLayout(cls.noise_shape(spec), lanes), "block": blocks, "last": 1}
        )

    @staticmethod
    def noise_shape(spec: GumbelSampler) -> Shape:
        """Return the shape of a noise at the largest temperature."""
        return signed(spec.noise.width + spec.max_temperature.bit_length() - 1 - spec.noise_shift)

    @staticmethod
    def port(spec: GumbelSampler, lanes: int) -> MultiplierPort:
        """Return the multipliers: a rise and then a temperature for every lane."""
        noise = spec.noise
        a_width = max(noise.width, noise.rise_width + 1)
        b_width = max(noise.step_bits, spec.max_temperature.bit_length()) + 1
        return MultiplierPort(2 * lanes, 1, signed(a_width), signed(b_width))

    @staticmethod
    def rom(spec: GumbelSampler) -> tuple[int, int]:
        """Return words and bits of each lane's table."""
        return len(spec.noise.lines), spec.noise.base_width + spec.noise.rise_width

    def lend(self) -> list[LentRom]:
        """As of ``Lender``: the tables of all lanes, which hold the same, side by side."""
        words, width = lent_words(self._line, self._lines), self.rom(self.spec)[1]
        copies = sum(1 << (lane * width) for lane in range(self.lanes))
        self.lent = LentRom("tables", (word * copies for word in words))
        return [self.lent]

    @property
    def _line(self) -> data.StructLayout:
        return data.StructLayout({"base": self.spec.noise.base_width, "rise": self.spec.noise.rise_width})

    @property
    def _lines(self) -> list[dict[str, int]]:
        return [{"base": base, "rise": rise} for base, rise in self.spec.noise.lines]

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        spec, bound = self.spec, self.temperature
        self._shown: list[Any] = []
        # What runs along with a block: which one it is, and whether there is one.
        valid: list[Any] = [self.start]
        blocks: list[Any] = [C(0, index_shape(self.blocks))]
        for stage in range(1, self.LATENCY + 1):
            valid.append(Signal(name=f"valid{stage}"))
            blocks.append(Signal(index_shape(self.blocks), name=f"block{stage}"))
        more, abandon = Signal(name="more"), Signal(name="abandon")
        m.d.comb += more.eq(valid[1] & (blocks[1] != self.blocks - 1))
        m.d.sync += [valid[1].eq(self.start | more), blocks[1].eq(Mux(self.start, 0, blocks[1] + 1))]
        for stage in range(2, self.LATENCY + 1):
            m.d.sync += [valid[stage].eq(valid[stage - 1] & ~abandon), blocks[stage].eq(blocks[stage - 1])]
        m.d.comb += [
            abandon.eq(self.start if self.abandons else 0),
            self.o.valid.eq(valid[-1] & ~abandon),
            self.o.p.block.eq(blocks[-1]),
            self.o.p.last.eq(blocks[-1] == self.blocks - 1),
        ]

        # A temperature that is not 0 lies within the sampler's range.
        honoured = Signal(range(spec.max_temperature + 1), name="honoured")
        m.d.sync += honoured.eq(
            Mux(
                bound == 0,
                0,
                Mux(
                    bound > spec.max_temperature,
                    spec.max_temperature,
                    Mux(bound < spec.min_temperature, spec.min_temperature, bound),
                ),
            )
        )
        m.d.comb += self.multipliers.valid.eq(valid[4] | valid[5])
        for lane in range(self.lanes):
            m.d.comb += self.o.p.noises[lane].eq(self._lane(m, platform, lane, honoured))
        show(m, self.lent, *self._shown)
        return m

    def _lane(self, m: Module, platform: Any, lane: int, temperature: Value) -> Value:
        """Return the noise of a lane in cycle 6 of its block."""
        spec, name = self.spec, f"lane{lane}"
        # Cycle 0, and from block to block.
        z = Signal(_BITS, name=f"{name}_z")
        first = Const(lane * WEYL % 2**_BITS, _BITS)
        m.d.sync += z.eq(Mux(self.start, self.rng + first, z + Const(self.lanes * WEYL % 2**_BITS, _BITS)))

        # Cycles 1 and 2.
        half_way, bits = Signal(_BITS, name=f"{name}_half_way"), Signal(_BITS, name=f"{name}_bits")
        m.d.sync += [
            half_way.eq(hash_rounds(m, z, 0, _EARLY_ROUNDS, name)),
            bits.eq(last_mix(hash_rounds(m, half_way, _EARLY_ROUNDS, len(ROUNDS), name))),
        ]

        # Cycle 3.
        octave, place = _octave_and_place(m, spec.noise, bits, name)
        segment = place[spec.noise.step_bits :]
        words, width = self.rom(spec)
        m.submodules[f"{name}_table"] = table = Memory(
            shape=self._line, depth=words, init=self._lines, attrs=target_of(platform).memory_attributes(words, width)
        )
        read = read_port(table)
        self._shown.append(read.data)
        m.d.comb += read.addr.eq(lent_address(self.lent, Cat(segment, octave)))
        step = Signal(spec.noise.step_bits, name=f"{name}_step")
        held = Signal(len(octave), name=f"{name}_octave")
        m.d.sync += [step.eq(place[: spec.noise.step_bits]), held.eq(octave)]

        # Cycle 4. The offset is a function of six bits, one table a bit.
        start = Signal(signed(spec.noise.width), name=f"{name}_start")
        offsets = Array(Const(offset, signed(spec.noise.width)) for offset in spec.noise.offsets)
        m.d.sync += start.eq(offsets[held] + read.data.base)
        port = self.multipliers
        m.d.comb += [port.a[lane][0].eq(read.data.rise), port.b[lane][0].eq(step)]

        # Cycle 5. One adder: the rounding half of the product lies below the start.
        shift = spec.noise.step_bits - spec.noise.rise_shift
        total = Signal(signed(spec.noise.width + shift), name=f"{name}_total")
        half = Const(1 << (shift - 1), shift)
        m.d.comb += [
            total.eq(Cat(half, start).as_signed() + port.results[lane][0]),
            port.a[self.lanes + lane][0].eq(total >> shift),
            port.b[self.lanes + lane][0].eq(temperature),
        ]

        # Cycle 6.
        return shift_right(port.results[self.lanes + lane][0], spec.noise_shift, Rounding.NEAREST)


def _octave_and_place(m: Module, spec: GumbelNoiseSpec, bits: Value, name: str) -> tuple[Value, Value]:
    """Return the octave, of both halves together, and the place in it, combinational."""
    half = bits[-1]
    v = Signal(_BITS, name=f"{name}_v")
    m.d.comb += v.eq(Cat(C(1, 1), bits[:-1] ^ half.replicate(_BITS - 1)))
    # v is odd, so that one of its bits is set.
    _, e = first_index(m, v[::-1], f"{name}_first")
    places = spec.segment_bits + spec.step_bits
    shifted, place = Signal(_BITS, name=f"{name}_shifted"), Signal(unsigned(places), name=f"{name}_place")
    m.d.comb += [
        shifted.eq(v << e),
        place.eq(shifted[_BITS - 1 - places : _BITS - 1] ^ half.replicate(places)),
    ]
    return Cat(e, half), place
