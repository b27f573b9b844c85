"""A matrix-vector product over the non-zero elements alone, a column a cycle, as the elements come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Shape, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl.units.format import index_shape, shape_of
from hdl.units.lent_rom import LentRom, lent_address, lent_words, show
from hdl.units.memory_ports import read_port
from hdl.units.multipliers import MultiplierBank, MultiplierPort
from hdl.units.priority import first_index, first_set, several
from hdl.units.select import choose
from talos_ref.golden.format import Format

__all__ = ["SparseTile"]


class SparseTile(wiring.Component):
    """``totals[r] = Σ matrix[r][c] · x[c]`` over the columns whose ``x`` is not 0: exact, since a 0 adds nothing.

    Blocks of ``x`` are announced as they are written; their non-zero elements wait in masks, and one column a cycle
    is taken, block by block. Cycles depend on the data: with the last block announced in cycle 0 and ``w > 0``
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
    lent: LentRom | None = None

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
                "multipliers": Out(self.port(self.rows, word)),
            }
        )

    @staticmethod
    def port(rows: int, word: Format) -> MultiplierPort:
        """Return the multipliers of a matrix with so many rows."""
        return MultiplierPort(rows, 1, shape_of(word), shape_of(word))

    @staticmethod
    def depth(columns: int, block: int) -> int:
        """Return the words of the memory that holds a matrix with so many columns."""
        places: int = 1 << Shape.cast(index_shape(block)).width
        return -(-columns // block) * places

    def lend(self) -> list[LentRom]:
        """As of ``Lender``."""
        self.lent = LentRom("columns", lent_words(self._layout, self._words()))
        return [self.lent]

    @property
    def _layout(self) -> data.ArrayLayout:
        return data.ArrayLayout(shape_of(self.word), self.rows)

    def _words(self) -> list[list[int]]:
        """Return the columns: c is in word (c mod block) of the places of row c // block; the others are 0."""
        block = self.block
        words = [[0] * self.rows] * self.depth(self.columns, block)
        places = len(words) // -(-self.columns // block)
        for c in range(self.columns):
            words[c // block * places + c % block] = [self.matrix[r][c] for r in range(self.rows)]
        return words

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        block, blocks, words = self.block, -(-self.columns // self.block), self._words()
        m.submodules.memory = memory = Memory(shape=self._layout, depth=len(words), init=words)
        read = read_port(memory)
        show(m, self.lent, read.data)

        # Cycle 0: one of the waiting elements of the current block, then the next block, without a cycle in between.
        current = Signal(block, name="current")
        current_row = Signal(index_shape(blocks), name="current_row")
        pending = [Signal(block, name=f"pending{row}") for row in range(blocks)]
        arriving = Signal(block, name="arriving")
        complete = Signal(name="complete")
        with m.If(self.i.valid):
            m.d.comb += arriving.eq(self.i.p.non_zero)
            if self.columns % block:
                with m.If(self.i.p.row == blocks - 1):
                    m.d.comb += arriving.eq(self.i.p.non_zero[: self.columns % block])
        found, place = first_index(m, current)
        found_pending, pending_row = first_index(m, Cat(mask.any() for mask in pending), "pending")
        more = Signal(name="more")
        any_pending = Signal(name="any_pending")
        row = Signal.like(current_row, name="row")
        m.d.comb += [more.eq(several(current)), any_pending.eq(found_pending), row.eq(pending_row)]
        with m.If(more):
            m.d.sync += current.eq(current & ~first_set(m, current))
        with m.Elif(any_pending):
            m.d.sync += [current.eq(choose(pending, row)), current_row.eq(row)]
        with m.Else():
            m.d.sync += [current.eq(arriving), current_row.eq(self.i.p.row)]
        for number, mask in enumerate(pending):
            with m.If(self.i.valid & (self.i.p.row == number) & (more | any_pending)):
                m.d.sync += mask.eq(arriving)
            with m.Elif(~more & (row == number)):
                m.d.sync += mask.eq(0)
        with m.If(self.i.valid & self.i.p.last):
            m.d.sync += complete.eq(1)
        m.d.comb += read.addr.eq(lent_address(self.lent, Cat(place, current_row)))

        # Cycle 1: its weights are there; cycle 2: the products are.
        element = Signal(shape_of(self.word), name="element")
        multiply = Signal(name="multiply")
        accumulate = Signal(name="accumulate")
        ending = Signal(self.LATENCY, name="ending")
        # By row first: the place is known last.
        row_elements = [choose([self.x[c] for c in range(p, self.columns, block)], current_row) for p in range(block)]
        m.d.sync += [
            element.eq(choose(row_elements, place)),
            multiply.eq(found),
            accumulate.eq(multiply),
            ending.eq(Cat(complete & ~more & ~any_pending, ending)),
        ]
        m.d.comb += [self.multipliers.valid.eq(multiply), self.done.eq(ending[-1])]
        for r in range(self.rows):
            m.d.comb += [self.multipliers.a[r][0].eq(read.data[r]), self.multipliers.b[r][0].eq(element)]
            with m.If(accumulate):
                m.d.sync += self.totals[r].eq(self.totals[r] + self.multipliers.results[r][0])
        with m.If(self.clear):
            m.d.sync += [self.totals.eq(0), current.eq(0), complete.eq(0), ending.eq(0)]
            m.d.sync += [mask.eq(0) for mask in pending]
        return m
