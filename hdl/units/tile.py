"""The matrix-vector tile: ``rows`` dot products side by side, ``columns`` terms of each a cycle."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import C, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.units.adders import adder_tree
from hdl.units.format import shape_of
from hdl.units.multipliers import MultiplierBank, MultiplierPort, matrix_layout
from talos_ref.golden.format import Format

__all__ = ["Tile"]


class Tile(wiring.Component):
    """``total[r] = addends[r] · 2^fraction + Σ over the cycles of a block Σ_c weights[r][c] · x[c]``, exact; the sums
    of ``talos_ref.golden.linear.matvec``.

    A block is ``first`` to ``last`` (both in one cycle if it is one cycle long). Its totals are valid for one cycle,
    ``LATENCY`` cycles after ``last``. One set of terms a cycle; no backpressure on either side.

    Cycle 0: the operands are at the ports. Cycle 1: products, and combinational totals unless ``registered``. Cycle 2:
    registered totals.

    Parameters
    ----------
    rows, columns
        Shape: ``rows · columns`` multipliers, which are outside, so that other units can use them meanwhile.
    word
        Format of both operands.
    outputs, terms
        Rows and columns of the largest matrices: beyond them nothing is multiplied, and the width of a total follows
        from ``terms``.
    split
        Rows of the bank of multipliers that a row takes: a tile of 8 × 16 in two takes a bank of 16 × 8. It divides
        ``columns``.
    addends
        Whether a sum starts from an addend.
    registered
        Whether the totals come from registers.

    Members
    -------
    i : In(stream), always ready: ``weights`` [rows][columns], ``x`` [columns], ``first``, ``last``, and with
        ``addends`` a word [rows] each, read with ``first``
    o : Out(stream), always ready: totals [rows]
    multipliers : Out(MultiplierPort)
    """

    def __init__(
        self,
        *,
        rows: int,
        columns: int,
        word: Format,
        outputs: int,
        terms: int,
        split: int = 1,
        addends: bool = False,
        registered: bool = True,
    ) -> None:
        self.rows, self.columns, self.word, self.addends, self.registered = rows, columns, word, addends, registered
        self.LATENCY = MultiplierBank.LATENCY + registered
        if columns % split:
            raise ValueError(f"split must divide {columns} columns, not {split!r}")
        self.split = split
        port = self.port(min(rows, outputs), min(columns, terms), word, split)
        self.total_shape = signed(2 * word.width + (terms - 1).bit_length())
        operands = data.StructLayout(
            {
                "weights": matrix_layout(shape_of(word), rows, columns),
                "x": data.ArrayLayout(shape_of(word), columns),
                "first": 1,
                "last": 1,
            }
            | ({"addends": data.ArrayLayout(shape_of(word), rows)} if addends else {})
        )
        super().__init__(
            {
                "i": In(stream.Signature(operands, always_ready=True)),
                "o": Out(stream.Signature(data.ArrayLayout(self.total_shape, rows), always_ready=True)),
                "multipliers": Out(port),
            }
        )

    @staticmethod
    def port(rows: int, columns: int, word: Format, split: int = 1) -> MultiplierPort:
        """Return the multipliers of a tile."""
        return MultiplierPort(rows * split, -(-columns // split), shape_of(word), shape_of(word))

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        i, bank = self.i.p, self.multipliers
        m.d.comb += bank.valid.eq(self.i.valid)
        rows, columns = bank.signature.rows // self.split, bank.signature.columns
        for r in range(rows):
            for c in range(min(self.columns, columns * self.split)):
                row, column = r * self.split + c // columns, c % columns
                m.d.comb += [bank.a[row][column].eq(i.weights[r][c]), bank.b[row][column].eq(i.x[c])]

        # Cycle 1: the products of this cycle's operands are in the bank.
        valid = Signal(name="valid")
        first = Signal(name="first")
        last = Signal(name="last")
        m.d.sync += [valid.eq(self.i.valid), first.eq(i.first), last.eq(i.last)]
        for r in range(rows):
            start = C(0, 1)
            if self.addends:
                addend = Signal(shape_of(self.word), name=f"addend{r}")
                m.d.sync += addend.eq(i.addends[r])
                start = addend << self.word.fraction
            parts = [bank.sums[row] for row in range(r * self.split, (r + 1) * self.split)]
            total, held = Signal(self.total_shape, name=f"total{r}"), Signal(self.total_shape, name=f"held{r}")
            m.d.comb += [
                total.eq(Mux(first, start, held) + adder_tree(m, parts)),
                self.o.p[r].eq(held if self.registered else total),
            ]
            with m.If(valid):
                m.d.sync += held.eq(total)
        done = Signal(name="done")
        m.d.sync += done.eq(valid & last)
        m.d.comb += self.o.valid.eq(done if self.registered else valid & last)
        return m
