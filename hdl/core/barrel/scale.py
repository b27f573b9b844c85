"""RMSNorm's scale of the residual streams, in the order in which they come."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.core.barrel.jobs import Part, blocks_of, products_layout
from hdl.core.barrel.memory import Queue
from hdl.core.config import CoreConfig
from hdl.units.format import shape_of
from hdl.units.multipliers import MultiplierPort
from hdl.units.registry import rms_scale_of

__all__ = ["Scale"]


class Scale(wiring.Component):
    """``scale(x1)`` of ``talos_ref.golden.rmsnorm.TableRmsNorm``: squares in one cycle, then a table.

    From ``free`` on a scale takes ``LATENCY`` cycles until it is offered. No stream of another length may come before
    the squares of the one before are made, which is within two cycles if ``free`` is given in the second.

    Members
    -------
    i : In(stream of products_layout), always ready: blocks of the residual stream
    due : Out(1)
        Squares are waiting for the multipliers.
    free : In(1)
        The multipliers are free in this cycle.
    o : Out(stream of the scale)
    multipliers : Out(MultiplierPort), n_embd × 1
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        spec, word = config.arithmetic.rmsnorm, shape_of(config.word)
        self.scale = rms_scale_of(spec)(spec, config.bits_per_cycle)
        self.LATENCY = 2 + self.scale.LATENCY + Queue.LATENCY
        super().__init__(
            {
                "i": In(stream.Signature(products_layout(config), always_ready=True)),
                "due": Out(1),
                "free": In(1),
                "o": Out(stream.Signature(shape_of(spec.scale_format))),
                "multipliers": Out(MultiplierPort(config.model.n_embd, 1, word, word)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        config, model, rows = self.config, self.config.model, self.config.tile_rows
        m.submodules.scale, m.submodules.scales = scale, scales = (
            self.scale, Queue(shape_of(config.arithmetic.rmsnorm.scale_format), config.streams)
        )  # fmt: skip
        vector = Signal(data.ArrayLayout(shape_of(config.word), model.n_embd), name="vector")
        square, squared, measured = Signal(name="square"), Signal(name="squared"), Signal(name="measured")
        m.d.comb += square.eq(self.due & self.free)
        for block in range(blocks_of(config)[Part.RESIDUAL]):
            with m.If(self.i.valid & (self.i.p.block == block)):
                for place in range(block * rows, min((block + 1) * rows, model.n_embd)):
                    m.d.sync += vector[place].eq(self.i.p.words[place - block * rows])
        with m.If(self.i.valid & self.i.p.last):
            m.d.sync += self.due.eq(1)
        with m.Elif(square):
            m.d.sync += self.due.eq(0)
        m.d.comb += self.multipliers.valid.eq(square)
        for place in range(model.n_embd):
            m.d.comb += [self.multipliers.a[place][0].eq(vector[place]), self.multipliers.b[place][0].eq(vector[place])]
        squares: list[Value] = [self.multipliers.results[place][0].as_unsigned() for place in range(model.n_embd)]
        total = Signal(scale.i.payload.shape(), name="total")
        m.d.sync += [squared.eq(square), measured.eq(squared), total.eq(scale.measure(m, squares))]
        m.d.comb += [
            scale.i.valid.eq(measured),
            scale.i.payload.eq(total),
            scale.o.ready.eq(1),
            scales.i.valid.eq(scale.o.valid),
            scales.i.payload.eq(scale.o.payload),
        ]
        wiring.connect(m, scales.o, wiring.flipped(self.o))
        return m
