"""The vectors between the units: what the tile reads, and where its totals go."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.config import CoreConfig
from hdl.format import index_shape, requantise, saturate, shape_of
from hdl.schedule import Vector

__all__ = ["Vectors", "tag_layout"]


def tag_layout(config: CoreConfig) -> data.StructLayout:
    """Return what accompanies a block through the tile: where its totals go, and whether they complete the vector."""
    longest = max(config.model.mlp_dim, config.model.vocab_size, config.model.n_embd)
    return data.StructLayout(
        {"destination": Vector, "row": index_shape(-(-longest // config.tile_rows)), "complete": 1}
    )


class Vectors(wiring.Component):
    """Registers for residual stream, projections, hidden units and logits, each with a flag that it is there.

    Reading is combinational: ``x`` is block ``column`` of ``source``, ``ready`` tells that all of the block is there. A
    total is rounded to a word and written in the cycle that brings it: to a residual it is added, saturating; a hidden unit goes
    through ReLU. What an instruction is about to write (``reserve``) is not ready until it has been written; hidden units are
    followed row block by row block, so that fc2 can begin before fc1 ends.

    Members
    -------
    source, column : In; ready : Out(1); x : Out(words [tile_columns])
    reserve : In(stream of tag), always ready
        The instruction done in this cycle writes there.
    totals : In(stream of tag and totals [tile_rows]), always ready
    normalised : In(stream of vector), always ready
        Replaces the residual stream.
    normed, attended : In(stream of vectors)
        Held by RMSNorm and attention until their last use, ``release``.
    release : In(1)
        ``source`` is not read again; its stream is taken in the next cycle.
    residual, logits : Out
    key, query, value : Out(vectors)
        They stay until the next step writes them.
    query_valid, value_valid : Out(1)
        The vector is complete from the next cycle on.
    logits_valid : Out(1)
        The logits of the step are complete; down in the cycle after ``logits_taken``.
    logits_taken : In(1)
    """

    def __init__(self, config: CoreConfig, total_shape: Any) -> None:
        self.config, self.model, self.word = config, config.model, config.arithmetic.word
        word = shape_of(self.word)
        vector = data.ArrayLayout(word, self.model.n_embd)
        self.tag = tag_layout(config)
        longest = max(self.model.mlp_dim, self.model.n_embd)
        written = data.StructLayout({"tag": self.tag, "totals": data.ArrayLayout(total_shape, config.tile_rows)})
        super().__init__(
            {
                "source": In(Vector),
                "column": In(index_shape(-(-longest // config.tile_columns))),
                "ready": Out(1),
                "x": Out(data.ArrayLayout(word, config.tile_columns)),
                "reserve": In(stream.Signature(self.tag, always_ready=True)),
                "totals": In(stream.Signature(written, always_ready=True)),
                "normalised": In(stream.Signature(vector, always_ready=True)),
                "normed": In(stream.Signature(vector)),
                "attended": In(stream.Signature(vector)),
                "release": In(1),
                "residual": Out(vector),
                "key": Out(vector),
                "query": Out(vector),
                "value": Out(vector),
                "query_valid": Out(1),
                "value_valid": Out(1),
                "logits": Out(data.ArrayLayout(word, self.model.vocab_size)),
                "logits_valid": Out(1),
                "logits_taken": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        hidden = Signal(data.ArrayLayout(shape_of(self.word), self.model.mlp_dim))
        hidden_valid = Signal(-(-self.model.mlp_dim // self.config.tile_rows))
        residual_valid = Signal()
        self._read(m, hidden, hidden_valid, residual_valid)
        self._reserve(m, hidden_valid, residual_valid)
        self._write(m, hidden, hidden_valid, residual_valid)
        return m

    def _read(self, m: Module, hidden: Any, hidden_valid: Signal, residual_valid: Signal) -> None:
        columns, rows = self.config.tile_columns, self.config.tile_rows
        sources = {
            Vector.RESIDUAL: (self.residual, residual_valid),
            Vector.NORMED: (self.normed.payload, self.normed.valid),
            Vector.ATTENDED: (self.attended.payload, self.attended.valid),
        }
        with m.Switch(self.source):
            for source, (vector, valid) in sources.items():
                with m.Case(source):
                    m.d.comb += [self.x.eq(_block(vector, self.column, columns)), self.ready.eq(valid)]
            with m.Case(Vector.HIDDEN):
                # A column block lies within one row block, or covers whole ones.
                blocks = max(columns // rows, 1)
                ready = Array(
                    hidden_valid[(c * columns) // rows : (c * columns) // rows + blocks].all()
                    for c in range(-(-self.model.mlp_dim // columns))
                )
                m.d.comb += [self.x.eq(_block(hidden, self.column, columns)), self.ready.eq(ready[self.column])]
            with m.Case(Vector.EMBEDDING):
                # Read in the cycle before the first instruction.
                m.d.comb += self.ready.eq(1)
            with m.Case(Vector.LOGITS):
                m.d.comb += self.ready.eq(self.logits_valid)
        # A cycle late, so that RMSNorm's readiness for the next vector does not depend on this cycle's instruction.
        m.d.sync += [
            self.normed.ready.eq(self.release & (self.source == Vector.NORMED)),
            self.attended.ready.eq(self.release & (self.source == Vector.ATTENDED)),
        ]

    def _reserve(self, m: Module, hidden_valid: Signal, residual_valid: Signal) -> None:
        with m.If(self.reserve.valid):
            with m.Switch(self.reserve.p.destination):
                with m.Case(Vector.RESIDUAL):
                    m.d.sync += residual_valid.eq(0)
                with m.Case(Vector.HIDDEN):
                    m.d.sync += hidden_valid.bit_select(self.reserve.p.row, 1).eq(0)
        with m.If(self.logits_taken):
            m.d.sync += self.logits_valid.eq(0)

    def _write(self, m: Module, hidden: Any, hidden_valid: Signal, residual_valid: Signal) -> None:
        tag, fraction = self.totals.p.tag, 2 * self.word.fraction
        words = Signal(data.ArrayLayout(shape_of(self.word), self.config.tile_rows))
        for r in range(self.config.tile_rows):
            m.d.comb += words[r].eq(requantise(self.totals.p.totals[r], fraction, self.word))

        complete = self.totals.valid & tag.complete
        m.d.comb += [
            self.query_valid.eq(complete & (tag.destination == Vector.QUERY)),
            self.value_valid.eq(complete & (tag.destination == Vector.VALUE)),
        ]
        with m.If(self.normalised.valid):
            m.d.sync += [self.residual.eq(self.normalised.payload), residual_valid.eq(1)]
        with m.If(self.totals.valid):
            with m.Switch(tag.destination):
                projections = {Vector.KEY: self.key, Vector.QUERY: self.query, Vector.VALUE: self.value}
                for vector, register in projections.items():
                    with m.Case(vector):
                        self._store(m, register, words)
                with m.Case(Vector.RESIDUAL):
                    self._store(m, self.residual, words, lambda old, new: saturate(old + new, self.word))
                    m.d.sync += residual_valid.eq(tag.complete)
                with m.Case(Vector.HIDDEN):
                    self._store(m, hidden, words, lambda _, new: Mux(new < 0, 0, new))
                    m.d.sync += hidden_valid.bit_select(tag.row, 1).eq(1)
                with m.Case(Vector.LOGITS):
                    self._store(m, self.logits, words)
                    m.d.sync += self.logits_valid.eq(tag.complete)

    def _store(self, m: Module, vector: Any, words: Any, combine: Any = lambda _, new: new) -> None:
        """Write row block ``tag.row`` of ``vector``; rows beyond its end are padding."""
        rows, length = self.config.tile_rows, vector.shape().length
        for block in range(-(-length // rows)):
            with m.If(self.totals.p.tag.row == block):
                for element in range(block * rows, min((block + 1) * rows, length)):
                    m.d.sync += vector[element].eq(combine(vector[element], words[element - block * rows]))


def _block(vector: Any, column: Any, columns: int) -> Any:
    """Return block ``column`` of a vector, zeros beyond its end: ``[columns]`` words as bits."""
    length = vector.shape().length
    width = len(vector[0])
    blocks = [
        Cat(vector[e] if e < length else Const(0, width) for e in range(first, first + columns))
        for first in range(0, length, columns)
    ]
    return Array(blocks)[column]
