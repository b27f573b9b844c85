"""The matrix-vector tile: ``rows`` dot products side by side, ``columns`` terms of each a cycle."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.units.format import shape_of
from hdl.units.multipliers import MultiplierBank, MultiplierPort, matrix_layout
from talos_ref.golden.format import Format

__all__ = ["Tile"]


class Tile(wiring.Component):
    """``total[r] = Σ over the cycles of a block Σ_c weights[r][c] · x[c]``, exact; the sums of
    ``talos_ref.golden.linear.matvec``.

    A block is ``first`` to ``last`` (both in one cycle if it is one cycle long). Its totals are valid for one cycle,
    ``LATENCY`` cycles after ``last``. One set of terms a cycle; no backpressure on either side.

    Cycle 0: the operands are at the ports. Cycle 1: products. Cycle 2: totals.

    Parameters
    ----------
    rows, columns
        Shape: ``rows · columns`` multipliers, which are outside, so that other units can use them meanwhile.
    word
        Format of both operands.
    outputs, terms
        Rows and columns of the largest matrices: beyond them nothing is multiplied, and the width of a total follows
        from ``terms``.

    Members
    -------
    i : In(stream), always ready: ``weights`` [rows][columns], ``x`` [columns], ``first``, ``last``
    o : Out(stream), always ready: totals [rows]
    multipliers : Out(MultiplierPort)
    """

    LATENCY = MultiplierBank.LATENCY + 1

    def __init__(self, *, rows: int, columns: int, word: Format, outputs: int, terms: int) -> None:
        self.rows, self.columns, self.word = rows, columns, word
        port = self.port(min(rows, outputs), min(columns, terms), word)
        self.total_shape = signed(2 * word.width + (terms - 1).bit_length())
        operands = data.StructLayout(
            {
                "weights": matrix_layout(shape_of(word), rows, columns),
                "x": data.ArrayLayout(shape_of(word), columns),
                "first": 1,
                "last": 1,
            }
        )
        super().__init__(
            {
                "i": In(stream.Signature(operands, always_ready=True)),
                "o": Out(stream.Signature(data.ArrayLayout(self.total_shape, rows), always_ready=True)),
                "multipliers": Out(port),
            }
        )

    @staticmethod
    def port(rows: int, columns: int, word: Format) -> MultiplierPort:
        """Return the multipliers of a tile."""
        return MultiplierPort(rows, columns, shape_of(word), shape_of(word))

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        i, bank = self.i.p, self.multipliers
        m.d.comb += bank.valid.eq(self.i.valid)
        for r in range(bank.signature.rows):
            for c in range(bank.signature.columns):
                m.d.comb += [bank.a[r][c].eq(i.weights[r][c]), bank.b[r][c].eq(i.x[c])]

        # Cycle 1: the products of this cycle's operands are in the bank.
        valid = Signal(name="valid")
        first = Signal(name="first")
        last = Signal(name="last")
        m.d.sync += [valid.eq(self.i.valid), first.eq(i.first), last.eq(i.last)]
        with m.If(valid):
            for r in range(bank.signature.rows):
                m.d.sync += self.o.p[r].eq(Mux(first, 0, self.o.p[r]) + bank.sums[r])
        m.d.sync += self.o.valid.eq(valid & last)
        return m
