"""A matrix-vector product over the non-zero elements alone, a column a cycle, as the elements come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Array, Cat, Module, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl.format import index_shape, shape_of
from hdl.multipliers import MultiplierBank, MultiplierPort
from hdl.priority import first_index, first_set, several
from talos_ref.format import Format

__all__ = ["SparseTile"]


class SparseTile(wiring.Component):
    """``totals[r] = Σ matrix[r][c] · x[c]`` over the columns whose ``x`` is not 0: exact, since a 0 adds nothing.

    Blocks of ``x`` are announced as they are written; their non-zero elements wait in a mask, and one column a cycle
    is taken, the lowest first. Cycles depend on the data: with the last block announced in cycle 0 and ``w > 0``
    elements still waiting then, ``done`` is set from cycle ``w + LATENCY`` on (``1 + LATENCY`` if none waits), until
    ``clear``.

    Cycle 0: choose a column, read its weights and its element. Cycle 1: multiply. Cycle 2: accumulate. Cycle 3: totals.

    Parameters
    ----------
    matrix
        Words [rows][columns].
    block
        Elements announced at a time.

    Members
    -------
    clear : In(1)
        Before the first block of a product.
    i : In(stream), always ready
        ``row``: block number; ``non_zero``: a bit an element; ``last``: the last block.
    x : In(words [columns])
        An announced block is read from the next cycle on.
    done : Out(1)
    totals : Out(sums [rows])
    multipliers : Out(MultiplierPort), rows × 1
    """

    LATENCY = 1 + MultiplierBank.LATENCY + 1

    def __init__(self, matrix: Sequence[Sequence[int]], word: Format, block: int) -> None:
        self.matrix, self.word, self.block = matrix, word, block
        self.rows, self.columns = len(matrix), len(matrix[0])
        self.total_shape = signed(2 * word.width + (self.columns - 1).bit_length())
        blocks = -(-self.columns // block)
        announcement = data.StructLayout({"row": index_shape(blocks), "non_zero": block, "last": 1})
        super().__init__(
            {
                "clear": In(1),
                "i": In(stream.Signature(announcement, always_ready=True)),
                "x": In(data.ArrayLayout(shape_of(word), self.columns)),
                "done": Out(1),
                "totals": Out(data.ArrayLayout(self.total_shape, self.rows)),
                "multipliers": Out(MultiplierPort(self.rows, 1, shape_of(word), shape_of(word))),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        columns = [[self.matrix[r][c] for r in range(self.rows)] for c in range(self.columns)]
        m.submodules.memory = memory = Memory(
            shape=data.ArrayLayout(shape_of(self.word), self.rows), depth=self.columns, init=columns
        )
        read = memory.read_port()

        # Cycle 0: one of the waiting elements.
        waiting, arriving = Signal(self.columns), Signal(self.columns)
        complete, any_waiting = Signal(), Signal()
        index = Signal(index_shape(self.columns))
        blocks = -(-self.columns // self.block)
        for number in range(blocks):
            width = min(self.block, self.columns - number * self.block)
            with m.If(self.i.valid & (self.i.p.row == number)):
                m.d.comb += arriving[number * self.block :][:width].eq(self.i.p.non_zero[:width])
        found, place = first_index(m, waiting)
        m.d.comb += [any_waiting.eq(found), index.eq(place), read.addr.eq(index)]
        m.d.sync += waiting.eq((waiting & ~first_set(m, waiting)) | arriving)
        with m.If(self.i.valid & self.i.p.last):
            m.d.sync += complete.eq(1)

        # Cycle 1: its weights are there; cycle 2: the products are.
        element, multiply, accumulate = Signal(shape_of(self.word)), Signal(), Signal()
        ending = Signal(self.LATENCY)
        m.d.sync += [
            element.eq(Array(self.x[c] for c in range(self.columns))[index]),
            multiply.eq(any_waiting),
            accumulate.eq(multiply),
            ending.eq(Cat(complete & ~several(waiting), ending)),
        ]
        m.d.comb += [self.multipliers.valid.eq(multiply), self.done.eq(ending[-1])]
        for r in range(self.rows):
            m.d.comb += [self.multipliers.a[r][0].eq(read.data[r]), self.multipliers.b[r][0].eq(element)]
            with m.If(accumulate):
                m.d.sync += self.totals[r].eq(self.totals[r] + self.multipliers.products[r][0])
        with m.If(self.clear):
            m.d.sync += [self.totals.eq(0), waiting.eq(0), complete.eq(0), ending.eq(0)]
        return m
