"""Banks of multipliers in DSP blocks, and how several units take turns at one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import C, Cat, Module, Shape, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.device.target import DspMode
from hdl.units.adders import adder_tree
from hdl.units.dsp_block import OPERAND, WIDE_OPERAND, DspBlock, check_operands

__all__ = ["BankLayout", "MultiplierBank", "MultiplierPort", "bank_layout", "bank_of", "matrix_layout", "share"]


def matrix_layout(shape: Any, rows: int, columns: int) -> data.ArrayLayout:
    """Return the layout of ``[rows][columns]`` elements."""
    return data.ArrayLayout(data.ArrayLayout(shape, columns), rows)


class MultiplierPort(wiring.Signature):
    """What a unit sees of a bank: products ``a[r][c] · b[r][c]``, one cycle after ``valid``, summed as a block can.

    With one column every product is a result. With more, a result is the sum of two neighbouring columns; of an odd
    number the last one is alone.

    Members
    -------
    valid : Out(1)
        The unit multiplies in this cycle; of the units that take turns at a bank, one at a time may.
    a, b : Out(arrays of signed words)
        At most 19 and 18 bits.
    results : In(array [rows][ceil(columns / 2)])
        ``results[r][j] = a[r][2j] · b[r][2j] + a[r][2j+1] · b[r][2j+1]``.
    sums : In(array [rows])
        ``Σ_j results[r][j]``.

    Raises ValueError if an operand is not signed or too wide for the device's multipliers.
    """

    def __init__(self, rows: int, columns: int, a_shape: Shape = OPERAND, b_shape: Shape = OPERAND) -> None:
        check_operands(a_shape, b_shape)
        self.rows, self.columns, self.a_shape, self.b_shape = rows, columns, a_shape, b_shape
        width = a_shape.width + b_shape.width
        super().__init__(
            {
                "valid": Out(1),
                "a": Out(matrix_layout(a_shape, rows, columns)),
                "b": Out(matrix_layout(b_shape, rows, columns)),
                "results": In(matrix_layout(signed(width + (columns > 1)), rows, -(-columns // 2))),
                "sums": In(data.ArrayLayout(signed(width + (columns - 1).bit_length()), rows)),
            }
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MultiplierPort) and self.members == other.members


@dataclass(frozen=True, kw_only=True)
class BankLayout:
    """The multipliers of a bank, and how they lie in DSP blocks.

    Where no row has a second column, two rows are a block in pair mode; else two columns of a row are one in sum mode.
    """

    columns: tuple[int, ...]
    """Of each row."""
    wide: tuple[int, ...]
    """Of each row, how many of the first columns take 19 bits of ``a``; the others take 18."""

    @property
    def mode(self) -> DspMode:
        """What the blocks make of their products."""
        return DspMode.SUM if max(self.columns) > 1 else DspMode.PAIR

    @property
    def blocks(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """Places (row, column) of each block, one or two."""
        if self.mode is DspMode.PAIR:
            rows = range(len(self.columns))
            return tuple(tuple((row, 0) for row in rows[first : first + 2]) for first in rows[::2])
        return tuple(
            tuple((row, column) for column in range(first, min(first + 2, columns)))
            for row, columns in enumerate(self.columns)
            for first in range(0, columns, 2)
        )


def bank_layout(ports: Sequence[MultiplierPort], apart: Sequence[MultiplierPort] = ()) -> BankLayout:
    """Return the smallest layout for ports that take turns, and below them for those that have rows of their own.

    Every place is as wide as a port there needs.
    """

    def widest(row: int, users: Sequence[MultiplierPort]) -> int:
        return max((port.columns for port in users if row < port.rows), default=0)

    columns: list[int] = []
    wide: list[int] = []
    for group in (ports, *((port,) for port in apart)):
        wider = [port for port in group if port.a_shape.width > OPERAND.width]
        rows = range(max((port.rows for port in group), default=0))
        columns += [widest(row, group) for row in rows]
        wide += [widest(row, wider) for row in rows]
    return BankLayout(columns=tuple(columns), wide=tuple(wide))


class MultiplierBank(wiring.Component):
    """DSP blocks with a register behind their products or sums, and the sums of rows behind that.

    Latency ``LATENCY`` to the results, whose sums are combinational; new operands every cycle, no backpressure.

    Members
    -------
    port : In(MultiplierPort)
        Of the largest row. Places that the layout has not are not multiplied.
    """

    LATENCY = 1

    def __init__(self, layout: BankLayout) -> None:
        self.layout = layout
        a_shape = WIDE_OPERAND if any(layout.wide) else OPERAND
        super().__init__({"port": In(MultiplierPort(len(layout.columns), max(layout.columns), a_shape))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        port, layout = self.port, self.layout
        for number, places in enumerate(layout.blocks):
            wide = any(column < layout.wide[row] for row, column in places)
            block = DspBlock(layout.mode, WIDE_OPERAND if wide else OPERAND)
            m.submodules[f"block{number}"] = block
            for half, (row, column) in enumerate(places):
                m.d.comb += [block.a[half].eq(port.a[row][column]), block.b[half].eq(port.b[row][column])]
                if layout.mode is DspMode.PAIR:
                    m.d.comb += port.results[row][0].eq(block.o[half])
            if layout.mode is DspMode.SUM:
                row, column = places[0]
                m.d.comb += port.results[row][column // 2].eq(block.o[0])
        for row, columns in enumerate(layout.columns):
            m.d.comb += port.sums[row].eq(adder_tree(m, [port.results[row][j] for j in range(-(-columns // 2))]))
        return m


def bank_of(users: Sequence[Any], apart: Sequence[Any] = ()) -> MultiplierBank:
    """Return the smallest bank for the ports of ``users``, which take turns, and of ``apart``; see `share`."""
    return MultiplierBank(bank_layout([user.signature for user in users], [user.signature for user in apart]))


def share(m: Module, bank: MultiplierBank, users: Sequence[Any], apart: Sequence[Any] = ()) -> None:
    """Connect the ports of ``users`` to ``bank``; each takes the corner of row 0, column 0.

    With one user the operands pass through. With several they are gated and joined, which for up to three users costs
    one six-input table a bit; two users that multiply in one cycle disturb each other, so that lock step shows it.
    ``sums`` of a user are those of its own columns. Each of ``apart`` has the rows behind to itself, and may multiply
    in any cycle.

    Raises ValueError if a port is larger than the bank.
    """
    rows, columns = bank.port.signature.rows, bank.port.signature.columns
    first = 0
    for group in (users, *((user,) for user in apart)):
        for user in group:
            if first + user.signature.rows > rows or user.signature.columns > columns:
                raise ValueError(
                    f"port must be at most {rows - first} x {columns}, not "
                    f"{user.signature.rows} x {user.signature.columns}"
                )
        _join_group(m, bank, group, first)
        first += max((user.signature.rows for user in group), default=0)
    m.d.comb += bank.port.valid.eq(_any([user.valid for user in (*users, *apart)]))


def _join_group(m: Module, bank: MultiplierBank, users: Sequence[Any], first: int) -> None:
    """Connect users that take turns at the rows from ``first`` on."""
    port = bank.port
    for r in range(max((user.signature.rows for user in users), default=0)):
        for c in range(bank.layout.columns[first + r]):
            here = [user for user in users if r < user.signature.rows and c < user.signature.columns]
            # A product that one unit has alone must be 0 while another multiplies that sums the same row.
            summed = any(r < user.signature.rows and c >= user.signature.columns for user in users)
            for name, gated in (("a", summed or len(here) > 1), ("b", len(here) > 1)):
                target = getattr(port, name)[first + r][c]
                operands = [(user.valid, getattr(user, name)[r][c]) for user in here]
                m.d.comb += target.eq(_join(operands, len(target), gated=gated))
        for user in users:
            if r < user.signature.rows:
                m.d.comb += [
                    user.results[r][j].eq(port.results[first + r][j]) for j in range(-(-user.signature.columns // 2))
                ]
                m.d.comb += user.sums[r].eq(port.sums[first + r])


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
