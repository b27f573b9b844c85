"""A bank of multipliers with a register behind each product, as it sits inside a DSP block."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Shape, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["MultiplierBank", "matrix_layout"]


def matrix_layout(shape: Any, rows: int, columns: int) -> data.ArrayLayout:
    """Return the layout of ``[rows][columns]`` elements."""
    return data.ArrayLayout(data.ArrayLayout(shape, columns), rows)


class MultiplierBank(wiring.Component):
    """``products[r][c] = a[r][c] · b[r][c]``, one cycle later.

    Latency ``LATENCY``, a new set of operands every cycle, neither valid nor backpressure: who feeds it counts.

    Parameters
    ----------
    rows, columns
        Multipliers.
    a_shape, b_shape
        Signed operand shapes, at most 18 bits so that one multiplier takes half a DSP block.

    Members
    -------
    a, b : In(array)
    products : Out(array)
    """

    LATENCY = 1

    def __init__(self, rows: int, columns: int, a_shape: Shape, b_shape: Shape) -> None:
        self.rows, self.columns = rows, columns
        self.product_shape = signed(a_shape.width + b_shape.width)
        super().__init__(
            {
                "a": In(matrix_layout(a_shape, rows, columns)),
                "b": In(matrix_layout(b_shape, rows, columns)),
                "products": Out(matrix_layout(self.product_shape, rows, columns)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for r in range(self.rows):
            for c in range(self.columns):
                m.d.sync += self.products[r][c].eq(self.a[r][c] * self.b[r][c])
        return m
