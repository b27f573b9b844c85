"""Banks of multipliers, and how several units take turns at one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import C, Cat, Module, Shape, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.units.adders import adder_tree
from talos_ref.golden.format import MULTIPLIER_BITS

__all__ = ["OPERAND", "WIDE_OPERAND", "MultiplierBank", "MultiplierPort", "bank_of", "matrix_layout", "share"]

OPERAND, WIDE_OPERAND = signed(MULTIPLIER_BITS - 1), signed(MULTIPLIER_BITS)
"""Operands of half a Cyclone V DSP block, 18 × 19 bits; narrower ones are extended."""


def matrix_layout(shape: Any, rows: int, columns: int) -> data.ArrayLayout:
    """Return the layout of ``[rows][columns]`` elements."""
    return data.ArrayLayout(data.ArrayLayout(shape, columns), rows)


class MultiplierPort(wiring.Signature):
    """What a unit sees of a bank: ``products[r][c] = a[r][c] · b[r][c]`` one cycle after ``valid``, and their row sums.

    Members
    -------
    valid : Out(1)
        The unit multiplies in this cycle; of the units that share a bank, one at a time may.
    a, b : Out(arrays of signed words)
        At most 19 and 18 bits.
    products : In(array)
    sums : In(array [rows])
        ``Σ_c products[r][c]``; columns of the bank that the unit does not have add 0.

    Raises ValueError if an operand is not signed or too wide for the device's multipliers.
    """

    def __init__(self, rows: int, columns: int, a_shape: Shape = OPERAND, b_shape: Shape = OPERAND) -> None:
        for name, shape, widest in (("a_shape", a_shape, WIDE_OPERAND), ("b_shape", b_shape, OPERAND)):
            if not shape.signed or shape.width > widest.width:
                raise ValueError(f"{name} must be signed and at most {widest.width} bits wide, not {shape!r}")
        self.rows, self.columns, self.a_shape, self.b_shape = rows, columns, a_shape, b_shape
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

    Parameters
    ----------
    rows, columns, a_shape, b_shape
        As of ``MultiplierPort``.
    wide
        Rows and columns of the corner whose ``a`` may take all bits of ``a_shape``; elsewhere 18 bits are multiplied.
        The whole bank by default.

    Members
    -------
    port : In(MultiplierPort)
    """

    LATENCY = 1

    def __init__(
        self,
        rows: int,
        columns: int,
        a_shape: Shape = OPERAND,
        b_shape: Shape = OPERAND,
        wide: tuple[int, int] | None = None,
    ) -> None:
        self.wide = (rows, columns) if wide is None else wide
        super().__init__({"port": In(MultiplierPort(rows, columns, a_shape, b_shape))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        port = self.port
        for r in range(port.signature.rows):
            for c in range(port.signature.columns):
                a = port.a[r][c]
                if not (r < self.wide[0] and c < self.wide[1]):
                    a = a[: OPERAND.width].as_signed()
                m.d.sync += port.products[r][c].eq(a * port.b[r][c])
            m.d.comb += port.sums[r].eq(adder_tree(m, [port.products[r][c] for c in range(port.signature.columns)]))
        return m


def bank_of(users: Sequence[Any]) -> MultiplierBank:
    """Return the smallest bank that all ports of ``users`` fit; no place of it is wider than a user there needs."""
    rows = max(user.signature.rows for user in users)
    columns = max(user.signature.columns for user in users)
    wide = [user.signature for user in users if user.signature.a_shape.width > OPERAND.width]
    if not wide:
        return MultiplierBank(rows, columns)
    corner = max(port.rows for port in wide), max(port.columns for port in wide)
    return MultiplierBank(rows, columns, WIDE_OPERAND, OPERAND, corner)


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
