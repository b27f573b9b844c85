"""Logits: hidden units that are not 0, one a cycle, then RMSNorm's scale and the addends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Shape, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.core.barrel.jobs import Part, blocks_of, logits_layout, products_layout
from hdl.core.barrel.memory import Queue, block_memory, block_rom
from hdl.core.barrel.scale import Scale
from hdl.core.config import CoreConfig
from hdl.units.format import index_shape, requantise, saturate, shape_of, shift_right
from hdl.units.lent_rom import LentRom, lent_address, lent_words, show
from hdl.units.multipliers import MultiplierPort
from hdl.units.priority import first_index, first_set, several
from hdl.units.select import choose
from talos_ref.golden.format import Rounding
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.golden.linear import ScaledLinear

__all__ = ["Head", "entry_layout"]


class Head(wiring.Component):
    """``logits = sat(round(scale · (folded · hidden) + sums))`` of every stream, in the order in which its blocks come.

    A hidden unit that is not 0 takes a cycle, a step without any in its last block one more; squares and scale take
    another each, since they use the same multipliers. Sums and scale wait for the hidden units in memory blocks.

        0: choose a unit, address its weights    1: products    2: sums    3: rounded    4: scaled    5: logits

    Parameters
    ----------
    hidden_order
        The hidden units in the order in which they come.

    Members
    -------
    i : In(stream of products_layout), always ready
    o : Out(stream of logits_layout), always ready
    multipliers : Out(MultiplierPort), vocab_size × 1
    scale_multipliers : Out(MultiplierPort), vocab_size × 1
    square_multipliers : Out(MultiplierPort), n_embd × 1
        Never two of the three in one cycle.
    """

    lent: LentRom | None = None

    def __init__(self, config: CoreConfig, golden: IntegerModel, hidden_order: Sequence[int]) -> None:
        self.config, self.golden, self.hidden_order = config, golden, hidden_order
        self.spec = scaled_linear_of(config)
        self.total = signed(2 * config.word.width + (config.model.mlp_dim - 1).bit_length())
        own, scale, square = self.ports(config)
        super().__init__(
            {
                "i": In(stream.Signature(products_layout(config), always_ready=True)),
                "o": Out(stream.Signature(logits_layout(config), always_ready=True)),
                "multipliers": Out(own),
                "scale_multipliers": Out(scale),
                "square_multipliers": Out(square),
            }
        )

    @staticmethod
    def ports(config: CoreConfig) -> list[MultiplierPort]:
        """Return the multipliers of hidden units, of the scale, and of squares."""
        word, spec, vocab = shape_of(config.word), scaled_linear_of(config), config.model.vocab_size
        scale = MultiplierPort(vocab, 1, shape_of(spec.wide), signed(spec.scale_format.width + 1))
        return [MultiplierPort(vocab, 1, word, word), scale, MultiplierPort(config.model.n_embd, 1, word, word)]

    def lend(self) -> list[LentRom]:
        """As of ``Lender``."""
        self.lent = LentRom("folded", lent_words(self._column, self._weights()))
        return [self.lent]

    @property
    def _column(self) -> data.ArrayLayout:
        return data.ArrayLayout(shape_of(self.config.word), self.config.model.vocab_size)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        config, word = self.config, self.config.arithmetic.word
        rows, vocab = config.tile_rows, config.model.vocab_size
        spec, products = self.spec, self.i.p
        m.submodules.scale = scale = Scale(config)
        wiring.connect(m, scale.multipliers, wiring.flipped(self.square_multipliers))
        m.d.comb += [scale.i.valid.eq(self.i.valid & (products.part == Part.RESIDUAL)), scale.i.payload.eq(products)]

        # Blocks with a hidden unit that is not 0 wait; so does the last of a step, whatever is in it.
        blocks = blocks_of(config)
        depth = config.streams << (blocks[Part.HIDDEN] - 1).bit_length()
        m.submodules.waiting = waiting = Queue(entry_layout(config), depth)
        mask = Signal(rows, name="mask")
        m.d.comb += [
            mask.eq(Cat(products.words[r].any() for r in range(rows))),
            waiting.i.valid.eq(self.i.valid & (products.part == Part.HIDDEN) & (mask.any() | products.last)),
            waiting.i.p.stream.eq(products.stream),
            waiting.i.p.block.eq(products.block),
            waiting.i.p.last.eq(products.last),
            waiting.i.p.mask.eq(mask),
            waiting.i.p.words.eq(products.words),
        ]

        # Cycle 0. Squares and scale go first. One step at a time is on the way from its last unit to its scale.
        now = waiting.o.p
        taken, left = Signal(rows, name="taken"), Signal(rows, name="left")
        ends, last, allowed, issue = (Signal(name=name) for name in ("ends", "last", "allowed", "issue"))
        scaling, ending = Signal(name="scaling"), Signal(name="ending")
        _, place = first_index(m, left)
        m.d.comb += [
            left.eq(now.mask & ~taken),
            ends.eq(~several(left)),
            last.eq(ends & now.last),
            allowed.eq(~scale.due & ~scaling & ~(last & ending)),
            issue.eq(waiting.o.valid & allowed),
            waiting.o.ready.eq(allowed & ends),
        ]
        first = Signal(init=1, name="first")
        with m.If(issue):
            m.d.sync += [taken.eq(Mux(ends, 0, taken | first_set(m, left))), first.eq(last)]
        with m.If(issue & last):
            m.d.sync += ending.eq(1)
        weights = block_rom(m, "weights", self._column, self._weights())
        show(m, self.lent, weights.data)
        m.d.comb += weights.addr.eq(lent_address(self.lent, Cat(place[: (rows - 1).bit_length()], now.block)))
        valid: list[Any] = [issue]
        firsts: list[Any] = [first]
        lasts: list[Any] = [issue & last]
        streams: list[Any] = [now.stream]
        for stage in (1, 2, 3):
            valid.append(Signal(name=f"valid{stage}"))
            firsts.append(Signal(name=f"first{stage}"))
            lasts.append(Signal(name=f"last{stage}"))
            streams.append(Signal(index_shape(config.streams), name=f"stream{stage}"))
            for pipe in (valid, firsts, lasts, streams):
                m.d.sync += pipe[stage].eq(pipe[stage - 1])

        # Cycles 1 to 3.
        element = Signal(shape_of(word), name="element")
        totals = [Signal(self.total, name=f"total{token}") for token in range(vocab)]
        wide = [Signal(shape_of(spec.wide), name=f"wide{token}") for token in range(vocab)]
        scaled_stream = Signal(index_shape(config.streams), name="scaled_stream")
        m.d.sync += element.eq(choose([now.words[r] for r in range(rows)], place))
        m.d.comb += [self.multipliers.valid.eq(valid[1]), scale.free.eq(~valid[1])]
        for token in range(vocab):
            m.d.comb += [
                self.multipliers.a[token][0].eq(weights.data[token]),
                self.multipliers.b[token][0].eq(element),
            ]
            with m.If(valid[2]):
                m.d.sync += totals[token].eq(Mux(firsts[2], 0, totals[token]) + self.multipliers.results[token][0])
            with m.If(lasts[3]):
                m.d.sync += wide[token].eq(requantise(totals[token], 2 * word.fraction, spec.wide))

        # Cycle 4, or later.
        fire, fired = Signal(name="fire"), Signal(name="fired")
        m.d.comb += [
            fire.eq(scaling & ~valid[1] & ~scale.due & scale.o.valid),
            scale.o.ready.eq(fire),
            self.scale_multipliers.valid.eq(fire),
        ]
        with m.If(lasts[3]):
            m.d.sync += [scaling.eq(1), scaled_stream.eq(streams[3])]
        with m.If(fire):
            m.d.sync += [scaling.eq(0), ending.eq(0)]
        m.d.sync += [fired.eq(fire), self.o.p.stream.eq(scaled_stream)]
        sums = []
        for block in range(blocks[Part.LOGITS]):
            write, read = block_memory(m, platform, f"sums{block}", products.sums.shape(), config.streams)
            m.d.comb += [
                write.en.eq(self.i.valid & (products.part == Part.LOGITS) & (products.block == block)),
                write.addr.eq(products.stream),
                write.data.eq(products.sums),
                read.addr.eq(scaled_stream),
            ]
            sums += [read.data[r] for r in range(rows)]

        # Cycle 5.
        fraction = spec.wide.fraction + spec.scale_format.fraction
        m.d.comb += self.o.valid.eq(fired)
        for token in range(vocab):
            m.d.comb += [
                self.scale_multipliers.a[token][0].eq(wide[token]),
                self.scale_multipliers.b[token][0].eq(scale.o.payload),
            ]
            product = self.scale_multipliers.results[token][0]
            addend = sums[token] << (fraction - 2 * word.fraction)
            total = Signal(signed(max(len(product), Shape.cast(addend.shape()).width) + 1), name=f"sum{token}")
            m.d.comb += [
                total.eq(product + addend),
                self.o.p.logits[token].eq(
                    saturate(shift_right(total, fraction - spec.word.fraction, Rounding.NEAREST), spec.word)
                ),
            ]
        return m

    def _weights(self) -> list[list[int]]:
        """Return the columns of the folded head by (block, place), blocks padded to a power of two."""
        folded, size = self.golden.tensors["folded"], self.config.tile_rows
        nothing = [0] * len(folded)
        columns = [[row[unit] for row in folded] for unit in self.hidden_order]
        places = 1 << (size - 1).bit_length()
        words = []
        for first in range(0, len(columns), size):
            block = columns[first : first + size]
            words += block + [nothing] * (places - len(block))
        return words


def entry_layout(config: CoreConfig) -> data.StructLayout:
    """Return a block of hidden units that waits, with a bit in ``mask`` for each that is not 0."""
    return data.StructLayout(
        {
            "stream": index_shape(config.streams),
            "block": index_shape(blocks_of(config)[Part.HIDDEN]),
            "last": 1,
            "mask": config.tile_rows,
            "words": data.ArrayLayout(shape_of(config.word), config.tile_rows),
        }
    )


def scaled_linear_of(config: CoreConfig) -> ScaledLinear:
    """Return what applies the scale; ValueError if the arithmetic has no scale to apply."""
    spec = config.arithmetic.scaled_linear
    if spec is None:
        raise ValueError(f"arithmetic must be folded in a barrel, not {config.arithmetic_name!r}")
    return spec
