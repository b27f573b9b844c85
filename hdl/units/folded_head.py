"""The logits of a deferred arithmetic: ``lm_head · x + s · (folded · relu(fc1 · x))``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Module, Shape, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.units.format import index_shape, shape_of
from hdl.units.scaled_linear import ScaledLinear
from hdl.units.sparse_tile import SparseTile
from talos_ref.golden.format import Format
from talos_ref.golden.linear import ScaledLinear as ScaledLinearSpec

__all__ = ["FoldedHead"]


class FoldedHead(wiring.Component):
    """``o = sat(round(scale · (folded · hidden) + addends))``, where ``folded = lm_head · fc2``.

    Hidden units are taken as fc1 makes them, the addends come from the tile. The words are offered for one cycle,
    ``LATENCY`` cycles after the last of: ``SparseTile.done``, ``scale_valid``, the addends' last block.

    Members
    -------
    clear : In(1)
        A step begins.
    announced : In(stream): as ``SparseTile.i``
    hidden : In(words [mlp_dim])
    addends : In(stream), always ready: ``row``, ``last`` and ``totals`` [tile_rows] of a block of ``lm_head · x``
    scale, scale_valid : In
    o : Out(stream of words [vocab_size]), always ready
    sparse_multipliers, scale_multipliers : Out(MultiplierPort), vocab_size × 1
        Never in one cycle.
    """

    LATENCY = ScaledLinear.LATENCY

    def __init__(
        self,
        folded: Sequence[Sequence[int]],
        spec: ScaledLinearSpec,
        *,
        word: Format,
        tile_rows: int,
        total_shape: Shape,
    ) -> None:
        self.vocab_size, self.tile_rows = len(folded), tile_rows
        self.sparse = SparseTile(folded, word, block=tile_rows)
        self.scaled = ScaledLinear(
            spec, lanes=self.vocab_size, total_shape=self.sparse.total_shape, addend_shape=total_shape
        )
        self.blocks = -(-self.vocab_size // tile_rows)
        addends = data.StructLayout(
            {"row": index_shape(self.blocks), "last": 1, "totals": data.ArrayLayout(total_shape, tile_rows)}
        )
        super().__init__(
            {
                "clear": In(1),
                "announced": In(self.sparse.i.signature.flip()),
                "hidden": In(data.ArrayLayout(shape_of(word), self.sparse.columns)),
                "addends": In(stream.Signature(addends, always_ready=True)),
                "scale": In(shape_of(spec.scale_format)),
                "scale_valid": In(1),
                "o": Out(stream.Signature(data.ArrayLayout(shape_of(spec.word), self.vocab_size), always_ready=True)),
                "sparse_multipliers": Out(self.sparse.multipliers.signature),
                "scale_multipliers": Out(self.scaled.multipliers.signature),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.sparse, m.submodules.scaled = sparse, scaled = self.sparse, self.scaled
        wiring.connect(m, wiring.flipped(self.announced), sparse.i)
        wiring.connect(m, sparse.multipliers, wiring.flipped(self.sparse_multipliers))
        wiring.connect(m, scaled.multipliers, wiring.flipped(self.scale_multipliers))

        # The addends are needed one cycle after the totals, so the last block may arrive along with them.
        added = Signal(name="added")
        issued = Signal(name="issued")
        last = Signal(name="last")
        m.d.comb += last.eq(self.addends.valid & self.addends.p.last)
        with m.If(last):
            m.d.sync += added.eq(1)
        with m.If(self.addends.valid):
            for block in range(self.blocks):
                with m.If(self.addends.p.row == block):
                    for row in range(block * self.tile_rows, min((block + 1) * self.tile_rows, self.vocab_size)):
                        m.d.sync += scaled.addends[row].eq(self.addends.p.totals[row - block * self.tile_rows])
        m.d.comb += [
            sparse.clear.eq(self.clear),
            sparse.x.eq(self.hidden),
            scaled.i.valid.eq(sparse.done & self.scale_valid & (added | last) & ~issued),
            scaled.i.p.totals.eq(sparse.totals),
            scaled.i.p.scale.eq(self.scale),
            self.o.valid.eq(scaled.o.valid),
            self.o.payload.eq(scaled.o.payload),
        ]
        with m.If(scaled.i.valid):
            m.d.sync += issued.eq(1)
        with m.If(self.clear):
            m.d.sync += [added.eq(0), issued.eq(0)]
        return m
