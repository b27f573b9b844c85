"""The wires of a deferred arithmetic behind the tile: totals that wait for a scale, and the head that adds to them."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring

from hdl.core.schedule import Vector
from hdl.core.units import Units
from hdl.core.vector_path import Scale
from hdl.units.folded_head import FoldedHead
from hdl.units.scaled_linear import ScaledLinear

__all__ = ["connect_head"]


def connect_head(m: Module, units: Units, scale: Scale, tag: Any, to_head: Any) -> None:
    """Connect them; ``tag`` is that of the totals that leave the tile, and ``to_head`` whether they are logits'."""
    valid = units.tile.o.valid & to_head
    if units.scaled is not None:
        _connect_scaled(m, units, units.scaled, scale, tag)
    if units.head is not None:
        _connect_sparse_head(m, units, units.head, scale, tag, valid)
    elif units.scaled is not None:
        _connect_dense_head(m, units, units.scaled, valid & ~tag.scaled)


def _connect_scaled(m: Module, units: Units, scaled: ScaledLinear, scale: Scale, tag: Any) -> None:
    """Totals that a scale is applied to: of the query, of fc2, of a dense head's folded matrix."""
    vectors, query_scale = units.vectors, units.arithmetic.attention.query_scale
    m.d.comb += [
        scaled.i.valid.eq(units.tile.o.valid & tag.scaled),
        scaled.i.p.totals.eq(units.tile.o.payload),
        scaled.i.p.scale.eq(Mux(tag.destination == Vector.QUERY, query_scale, scale.value)),
        vectors.scaled.valid.eq(scaled.o.valid),
        vectors.scaled.p.words.eq(scaled.o.payload),
    ]
    m.d.sync += vectors.scaled.p.tag.eq(tag)


def _connect_dense_head(m: Module, units: Units, scaled: ScaledLinear, valid: Any) -> None:
    """The addends of a row block of logits, held from lm_head's totals to those of the folded matrix."""
    held = Signal(units.tile.o.payload.shape(), name="held")
    with m.If(valid):
        m.d.sync += held.eq(units.tile.o.payload)
    for r in range(units.config.tile_rows):
        to_logits = units.vectors.scaled.p.tag.destination == Vector.LOGITS
        m.d.comb += scaled.addends[r].eq(Mux(to_logits, held[r], 0))


def _connect_sparse_head(m: Module, units: Units, head: FoldedHead, scale: Scale, tag: Any, valid: Any) -> None:
    """The head that takes hidden units as they come, with lm_head's totals as its addends."""
    vectors = units.vectors
    m.d.comb += [
        head.clear.eq(units.control.start),
        head.hidden.eq(vectors.hidden),
        head.addends.valid.eq(valid),
        head.addends.p.row.eq(tag.row),
        head.addends.p.last.eq(tag.complete),
        head.addends.p.totals.eq(units.tile.o.payload),
        head.scale.eq(scale.value),
        head.scale_valid.eq(scale.valid),
    ]
    wiring.connect(m, vectors.announced, head.announced)
    m.d.comb += [vectors.head.valid.eq(head.o.valid), vectors.head.payload.eq(head.o.payload)]
