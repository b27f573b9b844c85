"""Banks of multipliers, and how several units take turns at one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import C, Cat, Module, Shape, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.units.adders import adder_tree

__all__ = ["OPERAND", "MultiplierBank", "MultiplierPort", "matrix_layout", "share"]

OPERAND = signed(18)
"""Widest operand of half a Cyclone V DSP block; narrower ones are extended."""


def matrix_layout(shape: Any, rows: int, columns: int) -> data.ArrayLayout:
    """Return the layout of ``[rows][columns]`` elements."""
    return data.ArrayLayout(data.ArrayLayout(shape, columns), rows)


class MultiplierPort(wiring.Signature):
    """What a unit sees of a bank: ``products[r][c] = a[r][c] · b[r][c]`` one cycle after ``valid``, and their row sums.

    Members
    -------
    valid : Out(1)
        The unit multiplies in this cycle; of the units that share a bank, one at a time may.
    a, b : Out(array of signed words, at most 18 bits)
    products : In(array)
    sums : In(array [rows])
        ``Σ_c products[r][c]``; columns of the bank that the unit does not have add 0.
    """

    def __init__(self, rows: int, columns: int, a_shape: Shape = OPERAND, b_shape: Shape = OPERAND) -> None:
        for name, shape in (("a_shape", a_shape), ("b_shape", b_shape)):
            if not shape.signed or shape.width > OPERAND.width:
                raise ValueError(f"{name} must be signed and at most {OPERAND.width} bits wide, not {shape!r}")
        self.rows, self.columns = rows, columns
        width = a_shape.width + b_shape.width
        super().__init__(
            {
                "valid": Out(1),
                "a": Out(matrix_layout(a_shape, rows, columns)),
                "b": Out(matrix_layout(b_shape, rows, columns)),
                "products": In(matrix_layout(signed(width), rows, columns)),
                "sums": In(data.ArrayLayout(signed(width + (columns - 1).bit_length()), rows)),
            }
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MultiplierPort) and self.members == other.members


class MultiplierBank(wiring.Component):
    """``rows · columns`` multipliers with a register behind each product, as it sits inside a DSP block, and row sums.

    Latency ``LATENCY`` to the products, whose sums are combinational; new operands every cycle, no backpressure.

    Members
    -------
    port : In(MultiplierPort)
    """

    LATENCY = 1

    def __init__(self, rows: int, columns: int, a_shape: Shape = OPERAND, b_shape: Shape = OPERAND) -> None:
        super().__init__({"port": In(MultiplierPort(rows, columns, a_shape, b_shape))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        port = self.port
        for r in range(port.signature.rows):
            for c in range(port.signature.columns):
                m.d.sync += port.products[r][c].eq(port.a[r][c] * port.b[r][c])
            m.d.comb += port.sums[r].eq(adder_tree(m, [port.products[r][c] for c in range(port.signature.columns)]))
        return m


def share(m: Module, bank: MultiplierBank, users: Sequence[Any]) -> None:
    """Connect the ports of ``users`` to ``bank``; a smaller port takes the corner of row 0, column 0.

    With one user the operands pass through. With several they are gated and joined, which for up to three users costs
    one six-input table a bit; two users that multiply in one cycle disturb each other, so that lock step shows it.
    ``sums`` of a user are those of its own columns.

    Raises ValueError if a port is larger than the bank.
    """
    rows, columns = bank.port.signature.rows, bank.port.signature.columns
    for user in users:
        if user.signature.rows > rows or user.signature.columns > columns:
            raise ValueError(
                f"port must be at most {rows} x {columns}, not {user.signature.rows} x {user.signature.columns}"
            )
    m.d.comb += bank.port.valid.eq(_any([user.valid for user in users]))
    for r in range(rows):
        for c in range(columns):
            here = [user for user in users if r < user.signature.rows and c < user.signature.columns]
            # A place that one unit has alone must be 0 while another multiplies that sums the same row.
            summed = any(r < user.signature.rows and c >= user.signature.columns for user in users)
            for name in ("a", "b"):
                target = getattr(bank.port, name)[r][c]
                operands = [(user.valid, getattr(user, name)[r][c]) for user in here]
                m.d.comb += target.eq(_join(operands, len(target), gated=summed or len(here) > 1))
            for user in here:
                m.d.comb += user.products[r][c].eq(bank.port.products[r][c])
        for user in users:
            if r < user.signature.rows:
                m.d.comb += user.sums[r].eq(bank.port.sums[r])


def _join(operands: list[tuple[Value, Value]], width: int, *, gated: bool) -> Value:
    """Return the operand whose flag is set, sign-extended to ``width``, 0 for none; not ``gated``, the only one."""
    if not gated and operands:
        return operands[0][1]
    terms = []
    for valid, operand in operands:
        bits = Value.cast(operand)
        terms.append(Cat(bits, bits[-1].replicate(width - len(bits))) & valid.replicate(width))
    return _any(terms).as_signed()


def _any(values: Sequence[Value]) -> Value:
    """Return the bitwise or of all values, 0 for none."""
    result: Value = C(0, 1)
    for value in values:
        result = result | value
    return result
