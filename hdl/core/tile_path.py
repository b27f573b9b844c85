"""The wires around the tile: from an instruction to its operands, and from its totals back to the vectors."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal

from hdl.core.head_path import connect_head
from hdl.core.schedule import Operation, Vector, scales_totals
from hdl.core.units import Units
from hdl.core.vector_path import Scale
from hdl.core.vectors import tag_layout
from hdl.units.format import requantise, shape_of
from hdl.units.select import choose

__all__ = ["connect_tile"]


def connect_tile(m: Module, units: Units, scale: Scale) -> None:
    """Connect them; cycles count from the instruction, as in `Core`."""
    # Cycle 0: the instruction waits for its source.
    multiply = _connect_instruction(m, units, scale)

    # Cycle 1: weights and source block, both registered, are at the tile.
    sequencer, tile, vectors = units.sequencer, units.tile, units.vectors
    m.d.sync += [
        tile.i.valid.eq(multiply),
        tile.i.p.x.eq(vectors.x),
        tile.i.p.first.eq(sequencer.instruction.first),
        tile.i.p.last.eq(sequencer.instruction.last),
    ]
    if tile.addends:
        _connect_addends(m, units)
    m.d.comb += tile.i.p.weights.eq(units.weights.weights)

    # Cycle 3: the tag has travelled along.
    tag = vectors.reserve.payload
    for cycle in range(1, units.write_latency):
        delayed = Signal(tag_layout(units.config), name=f"tag{cycle}")
        m.d.sync += delayed.eq(tag)
        tag = delayed
    _connect_totals(m, units, scale, tag)


def _connect_instruction(m: Module, units: Units, scale: Scale) -> Signal:
    """What an instruction waits for, reads and reserves; return whether the tile is to multiply."""
    sequencer, instruction, vectors = units.sequencer, units.sequencer.instruction, units.vectors
    multiply = Signal(name="multiply")
    # A scale other than the query's constant has to be there; it is, long before fc1 has ended.
    wants_scale = instruction.destination == Vector.RESIDUAL
    if units.config.dense_head:
        wants_scale |= instruction.destination == Vector.LOGITS
    scale_missing = instruction.scaled & wants_scale & ~scale.valid
    with m.Switch(instruction.operation):
        with m.Case(Operation.NORMALISE):
            m.d.comb += sequencer.ready.eq(vectors.settled & units.rmsnorm.i.ready)
        with m.Case(Operation.MULTIPLY):
            m.d.comb += sequencer.ready.eq(vectors.ready & ~scale_missing)
        with m.Case(Operation.SAMPLE):
            m.d.comb += sequencer.ready.eq(units.control.taken)
    m.d.comb += [
        multiply.eq(sequencer.done & (instruction.operation == Operation.MULTIPLY)),
        vectors.source.eq(instruction.source),
        vectors.column.eq(instruction.column),
        vectors.release.eq(sequencer.done & instruction.release),
        vectors.reserve.valid.eq(sequencer.done),
        units.weights.address.eq(sequencer.weight_address),
        units.weights.enable.eq(multiply),
    ]
    for field in tag_layout(units.config).members:
        m.d.comb += vectors.reserve.p[field].eq(instruction[field])
    return multiply


def _connect_addends(m: Module, units: Units) -> None:
    """From the ROM's row, the addends of an instruction's rows, along with its operands."""
    rows, instruction, embedding = units.config.tile_rows, units.sequencer.instruction, units.embedding
    for r in range(rows):
        chosen: Any = Const(0, shape_of(units.arithmetic.word))
        for destination, addends in ((Vector.HIDDEN, embedding.hidden), (Vector.LOGITS, embedding.logits)):
            words = [addends[row] for row in range(r, len(addends), rows)]
            if words:
                asked = instruction.addends & (instruction.destination == destination)
                chosen = Mux(asked, choose(words, instruction.row), chosen)
        m.d.sync += units.tile.i.p.addends[r].eq(chosen)


def _connect_totals(m: Module, units: Units, scale: Scale, tag: Any) -> None:
    """Totals, rounded, to the vectors; those of a deferred arithmetic's head and of scaled rows go their own ways."""
    tile, vectors, word = units.tile, units.vectors, units.arithmetic.word
    to_head = (tag.destination == Vector.LOGITS) if units.arithmetic.deferred else Const(0, 1)
    late = Const(0, 1) if tile.registered else (tag.destination == Vector.RESIDUAL) & ~tag.scaled
    m.d.comb += [
        vectors.words.valid.eq(tile.o.valid & ~tag.scaled & ~to_head & ~late),
        vectors.words.p.tag.eq(tag),
    ]
    for r in range(units.config.tile_rows):
        m.d.comb += vectors.words.p.words[r].eq(requantise(tile.o.p[r], 2 * word.fraction, word))
    if units.arithmetic.deferred:
        connect_head(m, units, scale, tag, to_head)
    if not tile.registered:
        _connect_late_residual(m, units, tag, tile.o.valid & late)
    if units.config.constant_position_0:
        _connect_constant_logits(m, units)


def _connect_late_residual(m: Module, units: Units, tag: Any, valid: Any) -> None:
    """What is added to the residual stream where a cycle has summed and rounded already: a cycle later.

    It takes the way of scaled words, of which there are none in that cycle.
    """
    vectors, written = units.vectors, Signal(name="written")
    words = Signal(vectors.words.p.words.shape(), name="late_words")
    m.d.sync += [written.eq(valid), words.eq(vectors.words.p.words)]
    if not scales_totals(units.program):
        m.d.sync += vectors.scaled.p.tag.eq(tag)
    with m.If(written):
        m.d.comb += vectors.scaled.valid.eq(1)
        m.d.comb += [vectors.scaled.p.words[r].eq(words[r]) for r in range(units.config.tile_rows)]


def _connect_constant_logits(m: Module, units: Units) -> None:
    """At position 0 the ROM's row has the logits, a cycle after the step's start."""
    constant, vectors = Signal(name="constant"), units.vectors
    m.d.sync += constant.eq(units.control.start & units.constant_logits(units.control.position))
    with m.If(constant):
        m.d.comb += [vectors.head.valid.eq(1), vectors.head.payload.eq(units.embedding.logits)]
