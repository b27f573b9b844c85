"""The vectors between the units: what the tile reads, and where its words go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.core.config import CoreConfig
from hdl.core.schedule import Vector, schedule, tile_instructions
from hdl.units.format import index_shape, saturate, shape_of

__all__ = ["Vectors", "tag_layout"]


def tag_layout(config: CoreConfig) -> data.StructLayout:
    """Return what accompanies a block through the tile: fields of the instruction that its totals still need."""
    longest = max(config.model.mlp_dim, config.model.vocab_size, config.model.n_embd)
    return data.StructLayout(
        {
            "destination": Vector,
            "row": index_shape(-(-longest // config.tile_rows)),
            "complete": 1,
            "scaled": 1,
            "measure": 1,
            "sparse": 1,
        }
    )


class Vectors(wiring.Component):
    """Registers for residual stream, projections, hidden units and logits, each with a flag that it is there.

    Reading is combinational: ``x`` is block ``column`` of ``source``, and ``ready`` tells that all of it is there, a
    residual stream that is being completed in this cycle included. Words are written in the cycle that brings them: to
    a residual they are added, saturating; a hidden unit goes through ReLU. What an instruction is about to write
    (``reserve``) is not ready until it has been written; hidden units are followed row block by row block, so that fc2
    can begin before fc1 ends.

    Members
    -------
    source, column : In; ready : Out(1); x : Out(words [tile_columns])
        Of the sources that the schedule multiplies; for another, ``ready`` stays down.
    settled : Out(1)
        ``ready``, and in registers since the cycle before.
    reserve : In(stream of tag), always ready
        The instruction done in this cycle writes there.
    words, scaled : In(stream of tag and words [tile_rows]), always ready
        Blocks from the tile; ``scaled`` are those of instructions with that flag.
    normalised : In(stream of vector), always ready
        Replaces the residual stream.
    normed, attended : In(stream of vectors)
        Held by RMSNorm and attention until their last use, ``release``.
    release : In(1)
        ``source`` is not read again; its stream is taken in the next cycle.
    head : In(stream of words [vocab_size]), always ready
        All logits at once.
    residual, hidden, logits : Out
    key, query, value : Out(vectors)
        They stay until the next step writes them.
    query_valid, value_valid : Out(1)
        The vector is complete from the next cycle on.
    measure : Out(1)
        So is a residual stream whose scale is wanted.
    announced : Out(stream), always ready
        A hidden block of the last layer is being written: ``row``, ``non_zero`` (a bit an element), ``last``.
    logits_valid : Out(1)
        The logits of the step are complete; down in the cycle after ``logits_taken``.
    logits_taken : In(1)
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config, self.model, self.word = config, config.model, config.arithmetic.word
        word, logit = shape_of(self.word), shape_of(config.arithmetic.logit)
        vector = data.ArrayLayout(word, self.model.n_embd)
        logits = data.ArrayLayout(logit, self.model.vocab_size)
        tag = tag_layout(config)
        block = data.StructLayout({"tag": tag, "words": data.ArrayLayout(word, config.tile_rows)})
        scaled = data.StructLayout({"tag": tag, "words": data.ArrayLayout(logit, config.tile_rows)})
        self.hidden_blocks = -(-self.model.mlp_dim // config.tile_rows)
        announcement = data.StructLayout(
            {"row": index_shape(self.hidden_blocks), "non_zero": config.tile_rows, "last": 1}
        )
        longest = max(self.model.mlp_dim, self.model.n_embd)
        super().__init__(
            {
                "source": In(Vector),
                "column": In(index_shape(-(-longest // config.tile_columns))),
                "ready": Out(1),
                "settled": Out(1),
                "x": Out(data.ArrayLayout(word, config.tile_columns)),
                "reserve": In(stream.Signature(tag, always_ready=True)),
                "words": In(stream.Signature(block, always_ready=True)),
                "scaled": In(stream.Signature(scaled, always_ready=True)),
                "normalised": In(stream.Signature(vector, always_ready=True)),
                "normed": In(stream.Signature(vector)),
                "attended": In(stream.Signature(vector)),
                "release": In(1),
                "head": In(stream.Signature(logits, always_ready=True)),
                "residual": Out(vector),
                "key": Out(vector),
                "query": Out(vector),
                "value": Out(vector),
                "query_valid": Out(1),
                "value_valid": Out(1),
                "measure": Out(1),
                "announced": Out(stream.Signature(announcement, always_ready=True)),
                "hidden": Out(data.ArrayLayout(word, self.model.mlp_dim)),
                "logits": Out(logits),
                "logits_valid": Out(1),
                "logits_taken": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        self.hidden_valid = Signal(self.hidden_blocks, name="hidden_valid")
        self.residual_valid = Signal(name="residual_valid")
        self.next_residual = Signal(self.residual.shape(), name="next_residual")
        self._reserve(m)
        with m.If(self.normalised.valid):
            m.d.sync += [self.residual.eq(self.normalised.payload), self.residual_valid.eq(1)]
        m.d.comb += self.next_residual.eq(self.residual)
        for written in (self.words, self.scaled):
            self._write(m, written.valid, written.p.tag, written.p.words)
        with m.If(self.head.valid):
            m.d.sync += [self.logits.eq(self.head.payload), self.logits_valid.eq(1)]
        self._announce(m)
        self._read(m)
        return m

    def _reserve(self, m: Module) -> None:
        with m.If(self.reserve.valid):
            with m.Switch(self.reserve.p.destination):
                with m.Case(Vector.RESIDUAL):
                    m.d.sync += self.residual_valid.eq(0)
                with m.Case(Vector.HIDDEN):
                    m.d.sync += self.hidden_valid.bit_select(self.reserve.p.row, 1).eq(0)
        with m.If(self.logits_taken):
            m.d.sync += self.logits_valid.eq(0)

    def _write(self, m: Module, valid: Any, tag: Any, words: Any) -> None:
        projections = {Vector.KEY: self.key, Vector.QUERY: self.query, Vector.VALUE: self.value}
        with m.If(valid):
            with m.Switch(tag.destination):
                for vector, register in projections.items():
                    with m.Case(vector):
                        self._store(m.d.sync, m, tag.row, register, words)
                with m.Case(Vector.RESIDUAL):
                    self._store(
                        m.d.comb, m, tag.row, self.next_residual, words,
                        lambda e, new: saturate(self.residual[e] + new, self.word),
                    )  # fmt: skip
                    m.d.sync += [self.residual.eq(self.next_residual), self.residual_valid.eq(tag.complete)]
                with m.Case(Vector.HIDDEN):
                    self._store(m.d.sync, m, tag.row, self.hidden, words, lambda _, new: Mux(new < 0, 0, new))
                    m.d.sync += self.hidden_valid.bit_select(tag.row, 1).eq(1)
                with m.Case(Vector.LOGITS):
                    self._store(m.d.sync, m, tag.row, self.logits, words)
                    m.d.sync += self.logits_valid.eq(tag.complete)
            # Only ever set: a scaled query and a value may be completed in one cycle.
            with m.If(tag.complete & (tag.destination == Vector.QUERY)):
                m.d.comb += self.query_valid.eq(1)
            with m.If(tag.complete & (tag.destination == Vector.VALUE)):
                m.d.comb += self.value_valid.eq(1)
            with m.If(tag.complete & tag.measure):
                m.d.comb += self.measure.eq(1)

    def _store(
        self,
        domain: Any,
        m: Module,
        row: Any,
        vector: Any,
        words: Any,
        combine: Callable[[int, Any], Any] = lambda _, new: new,
    ) -> None:
        """Write row block ``row`` of ``vector``; rows beyond its end are padding."""
        rows, length = self.config.tile_rows, vector.shape().length
        for block in range(-(-length // rows)):
            with m.If(row == block):
                for element in range(block * rows, min((block + 1) * rows, length)):
                    domain += vector[element].eq(combine(element, words[element - block * rows]))

    def _announce(self, m: Module) -> None:
        tag, words = self.words.p.tag, self.words.p.words
        m.d.comb += [
            self.announced.valid.eq(self.words.valid & tag.sparse),
            self.announced.p.row.eq(tag.row),
            self.announced.p.non_zero.eq(Cat(words[r] > 0 for r in range(self.config.tile_rows))),
            self.announced.p.last.eq(tag.complete),
        ]

    def _read(self, m: Module) -> None:
        columns, rows = self.config.tile_columns, self.config.tile_rows
        completing = self.words.valid & (self.words.p.tag.destination == Vector.RESIDUAL) & self.words.p.tag.complete
        hidden_ready = Array(
            self.hidden_valid[first // rows : -(-min(first + columns, self.model.mlp_dim) // rows)].all()
            for first in range(0, self.model.mlp_dim, columns)
        )
        sources = {
            Vector.RESIDUAL: (self.next_residual, self.residual_valid | completing),
            Vector.NORMED: (self.normed.payload, self.normed.valid),
            Vector.ATTENDED: (self.attended.payload, self.attended.valid),
            Vector.HIDDEN: (self.hidden, hidden_ready[self.column]),
        }
        used = {i.source for i in tile_instructions(schedule(self.config))}
        with m.Switch(self.source):
            for source, (vector, ready) in sources.items():
                if source not in used:
                    continue
                with m.Case(source):
                    m.d.comb += [self.x.eq(_block(vector, self.column, columns)), self.ready.eq(ready)]
        # An embedding has been read in the cycle before the first instruction.
        m.d.comb += self.settled.eq(Mux(self.source == Vector.RESIDUAL, self.residual_valid, 1))
        # A cycle late, so that RMSNorm's readiness for the next vector does not depend on this cycle's instruction.
        m.d.sync += [
            self.normed.ready.eq(self.release & (self.source == Vector.NORMED)),
            self.attended.ready.eq(self.release & (self.source == Vector.ATTENDED)),
        ]


def _block(vector: Any, column: Any, columns: int) -> Any:
    """Return block ``column`` of a vector, zeros beyond its end: ``[columns]`` words as bits."""
    length = vector.shape().length
    width = len(vector[0])
    blocks = [
        Cat(vector[e] if e < length else Const(0, width) for e in range(first, first + columns))
        for first in range(0, length, columns)
    ]
    return Array(blocks)[column]
