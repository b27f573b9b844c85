"""The circuit of ``talos_ref.golden.table``: a ROM of lines and one multiplication, as combinational parts."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import C, Cat, Module, Mux, Shape, Signal, Value, ValueLike, signed, unsigned
from amaranth.lib import data

from hdl.units.adders import partial_products, sum_partial_products
from talos_ref.golden.table import InterpolatedTable

__all__ = ["add", "evaluate", "line_layout", "look_up", "multiply", "table_words", "terms_layout"]


def line_layout(table: InterpolatedTable) -> data.StructLayout:
    """Return what ``look_up`` reads: ``base`` and ``slope`` of a segment, and the ``step`` into it."""
    slopes = [slope for _, slope in table.lines]
    signs = min(slopes) < 0
    width = max(slope.bit_length() if slope >= 0 else (-slope - 1).bit_length() for slope in slopes) + signs
    bases = max(base for base, _ in table.lines)
    return data.StructLayout(
        {
            "base": bases.bit_length(),
            "slope": signed(width) if signs else unsigned(width),
            "step": table.step_bits,
        }
    )


def terms_layout(table: InterpolatedTable) -> data.StructLayout:
    """Return what ``multiply`` makes of a line: ``base``, and the partial products of slope and step."""
    line = line_layout(table)
    slope = Shape.cast(line["slope"].shape)
    partial = Shape(slope.width + 2, slope.signed)
    return data.StructLayout(
        {"base": line["base"].shape, "partials": data.ArrayLayout(partial, -(-table.step_bits // 2))}
    )


def look_up(m: Module, table: InterpolatedTable, u: ValueLike) -> Any:
    """Return the line (``line_layout``) of ``u``, combinational: a ROM of ``len(table.lines)`` words in logic.

    Below segment ``table.first`` the line is unspecified. Raises ValueError if ``u`` has not ``table.input_bits`` bits.
    """
    u = Value.cast(u)
    if len(u) != table.input_bits:
        raise ValueError(f"{table.name} input must be {table.input_bits} bits wide, not {len(u)!r}")
    line = Signal(line_layout(table), name=f"{table.name}_line")
    with m.Switch(u[table.step_bits :]):
        for segment, (base, slope) in enumerate(table.lines, table.first):
            with m.Case(segment):
                m.d.comb += [line.base.eq(base), line.slope.eq(slope)]
        with m.Default():
            m.d.comb += [line.base.eq(table.lines[-1][0]), line.slope.eq(table.lines[-1][1])]
    m.d.comb += line.step.eq(u[: table.step_bits])
    return line


def table_words(table: InterpolatedTable) -> list[int]:
    """Return base and slope that ``look_up`` reads for each segment from 0 on, the base in the lowest bits."""
    line = line_layout(table)
    base_bits, slope_bits = (Shape.cast(line[name].shape).width for name in ("base", "slope"))
    lines = [table.lines[-1]] * (1 << table.index_bits)
    lines[table.first : table.first + len(table.lines)] = table.lines
    return [base | (slope & ((1 << slope_bits) - 1)) << base_bits for base, slope in lines]


def multiply(m: Module, table: InterpolatedTable, line: Any) -> Any:
    """Return the terms of a line (``terms_layout``), combinational: an addition and a choice."""
    terms = Signal(terms_layout(table), name=f"{table.name}_terms")
    m.d.comb += terms.base.eq(line.base)
    for place, partial in enumerate(partial_products(m, line.slope, line.step, f"{table.name}_partial")):
        m.d.comb += terms.partials[place].eq(partial)
    return terms


def add(m: Module, table: InterpolatedTable, terms: Any) -> Value:
    """Return the sum of the terms, ``table.output_bits`` wide, combinational: additions, a limit."""
    high = (1 << table.output_bits) - 1
    # The rounding half sits below the base in the same addition, which thereby floors once and rounds to nearest.
    half = C(1 << (table.step_bits - 1), table.step_bits)
    base = Cat(half, terms.base)
    product = sum_partial_products(m, list(terms.partials), f"{table.name}_partial")
    total = Signal(signed(len(base) + 2), name=f"{table.name}_total")
    m.d.comb += total.eq(base + product)
    value = total[table.step_bits :]
    if _largest(table) <= high:
        return value[: table.output_bits]
    return Mux(value[table.output_bits :].any(), high, value[: table.output_bits])


def evaluate(m: Module, table: InterpolatedTable, line: Any) -> Value:
    """Return the value on a line, ``table.output_bits`` wide, combinational."""
    return add(m, table, multiply(m, table, line))


def _largest(table: InterpolatedTable) -> int:
    """Return the largest value before the limit; a line takes it at one of its ends."""
    half, last = 1 << (table.step_bits - 1), (1 << table.step_bits) - 1
    ends = [base + ((slope * step + half) >> table.step_bits) for base, slope in table.lines for step in (0, last)]
    if min(ends) < 0:
        raise ValueError(f"{table.name} must not fall below 0, not {min(ends)!r}")
    return max(ends)
