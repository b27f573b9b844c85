"""Products of unsigned numbers that are wider than a multiplier: halves in DSP blocks, and additions behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value, unsigned

from hdl.units.adders import carry_save
from hdl.units.dsp_block import OPERAND
from hdl.units.multipliers import MultiplierPort

__all__ = ["WideProduct"]

_PIECE = OPERAND.width - 1
"""Bits of an unsigned number that an operand holds."""


@dataclass(frozen=True)
class WideProduct:
    """``a · b`` of unsigned numbers, all bits of it, from the products of halves.

    With ``h = half``: ``a = a0 + 2^h·a1``, ``b = b0 + 2^h·b1``; an operand of at most 17 bits is not halved.

    Raises ValueError if an operand has more than 34 bits.
    """

    a_width: int
    b_width: int

    def __post_init__(self) -> None:
        for name, width in (("a_width", self.a_width), ("b_width", self.b_width)):
            if not 1 <= width <= 2 * _PIECE:
                raise ValueError(f"{name} must be 1 to {2 * _PIECE}, not {width!r}")

    @property
    def half(self) -> int:
        """Bits of a lower half."""
        return max((-(-width // 2) for width in (self.a_width, self.b_width) if width > _PIECE), default=_PIECE)

    def port(self) -> MultiplierPort:
        """Return the multipliers, one column of one, two or four."""
        return MultiplierPort(self._pieces(self.a_width) * self._pieces(self.b_width), 1)

    def drive(self, m: Module, port: Any, a: Value, b: Value) -> None:
        """Connect the operands."""
        pairs = [(x, y) for x in self._cut(a, self.a_width) for y in self._cut(b, self.b_width)]
        for row, (x, y) in enumerate(pairs):
            m.d.comb += [port.a[row][0].eq(x), port.b[row][0].eq(y)]

    def product(self, m: Module, port: Any, name: str = "product") -> Value:
        """Return the product from the results, combinational, one cycle after its operands.

        Of four pieces, three lie over each other in the middle: a carry-save adder leaves two of them to the one chain.
        """
        h, results = self.half, [port.results[row][0].as_unsigned() for row in range(port.signature.rows)]
        product = Signal(unsigned(self.a_width + self.b_width), name=name)
        if len(results) == 1:
            total = results[0]
        elif len(results) == 2:
            total = results[0][: h + _PIECE] + (results[1] << h)
        else:
            # a0·b0 and a1·b1 lie side by side; both products across are in their middle.
            low, across, over, high = results
            beside, across, over = Cat(low[: 2 * h], high), across[: 2 * h], over[: 2 * h]
            total = Cat(beside[:h], sum(carry_save(m, beside[h:], across, over, len(product) - h, name)))
        m.d.comb += product.eq(total)
        return product

    @staticmethod
    def _pieces(width: int) -> int:
        return 2 if width > _PIECE else 1

    def _cut(self, value: Value, width: int) -> list[Value]:
        return [value[: self.half], value[self.half :]] if width > _PIECE else [value]
