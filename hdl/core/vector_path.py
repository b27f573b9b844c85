"""The wires between the vectors and what works on a whole one: embedding, RMSNorm and attention."""

from __future__ import annotations

from typing import NamedTuple

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring

from hdl.core.schedule import Operation, Vector
from hdl.core.units import Units
from hdl.units.format import shape_of

__all__ = ["Scale", "connect_attention", "connect_rmsnorm"]


class Scale(NamedTuple):
    """RMSNorm's scale of the last residual stream of a step, for what is multiplied by it later."""

    value: Signal
    valid: Signal


def connect_rmsnorm(m: Module, units: Units) -> Scale:
    """RMSNorm's sources, and where its result goes: to the residual stream, the tile, or the scale that is returned."""
    instruction, rmsnorm, vectors = units.sequencer.instruction, units.rmsnorm, units.vectors
    normalise = Signal(name="normalise")
    measure = Signal(name="measure")
    to_residual = Signal(name="to_residual")
    to_scale = Signal(name="to_scale")
    m.d.comb += normalise.eq(units.sequencer.running & (instruction.operation == Operation.NORMALISE))
    m.d.sync += measure.eq(vectors.measure)
    with m.If(rmsnorm.i.valid & rmsnorm.i.ready):
        m.d.sync += [
            to_residual.eq(normalise & (instruction.destination == Vector.RESIDUAL)),
            to_scale.eq(measure),
        ]
    m.d.comb += [
        rmsnorm.i.valid.eq((normalise & vectors.settled) | measure),
        rmsnorm.i.p.x.eq(vectors.residual),
        vectors.normed.valid.eq(rmsnorm.o.valid & ~to_residual & ~to_scale),
        vectors.normalised.valid.eq(rmsnorm.o.valid & to_residual),
        rmsnorm.o.ready.eq(to_residual | to_scale | vectors.normed.ready),
    ]
    if rmsnorm.normalise:
        m.d.comb += [vectors.normed.payload.eq(rmsnorm.o.p.y), vectors.normalised.payload.eq(rmsnorm.o.p.y)]
    if units.embedding.projects:
        started = Signal(name="started")
        m.d.sync += started.eq(units.control.start)
        m.d.comb += [vectors.normalised.valid.eq(started), vectors.normalised.payload.eq(units.embedding.x)]
    else:
        with m.If(normalise & (instruction.source == Vector.EMBEDDING)):
            m.d.comb += rmsnorm.i.p.x.eq(units.embedding.x)

    scale = Scale(
        Signal(shape_of(units.arithmetic.rmsnorm.scale_format), name="scale"), Signal(name="scale_valid")
    )
    with m.If(rmsnorm.o.valid & to_scale):
        m.d.sync += [scale.value.eq(rmsnorm.o.p.scale), scale.valid.eq(1)]
    with m.If(vectors.measure | units.control.start):
        m.d.sync += scale.valid.eq(0)
    return scale


def connect_attention(m: Module, units: Units) -> None:
    """Query, key and value into attention, its result back."""
    attention, vectors, control = units.attention, units.vectors, units.control
    wiring.connect(m, attention.o, vectors.attended)
    m.d.comb += attention.layer.eq(units.sequencer.instruction.layer)
    if units.embedding.projects:
        # The ROM's row is there in the cycle after the step's start, as attention wants it.
        m.d.comb += [
            attention.position.eq(control.position),
            attention.start.eq(control.start),
            attention.skip.eq(units.constant_logits(control.position)),
            attention.value.eq(control.start),
            attention.q.eq(units.embedding.q),
            attention.k.eq(units.embedding.k),
            attention.v.eq(units.embedding.v),
        ]
    else:
        m.d.comb += [
            attention.position.eq(control.position_held),
            attention.start.eq(vectors.query_valid),
            attention.value.eq(vectors.query_valid if units.config.query_last else vectors.value_valid),
            attention.q.eq(vectors.query),
            attention.k.eq(vectors.key),
            attention.v.eq(vectors.value),
        ]
