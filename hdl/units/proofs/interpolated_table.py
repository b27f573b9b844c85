"""Reciprocal, reciprocal square root and power of two: every input of the tables, beside the golden model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amaranth.hdl import Module, Value

from hdl.exhaustive import compare
from hdl.proof import Exhaustive, Planted, Property
from hdl.units.interpolated_table import evaluate, look_up
from talos_ref.golden.divide import ReciprocalDivide
from talos_ref.golden.exp import Exp2
from talos_ref.golden.format import Q4_12
from talos_ref.golden.rmsnorm import TableRmsNorm
from talos_ref.golden.table import InterpolatedTable

__all__ = ["PROPERTIES"]


def _property(name: str, statement: str, make: Callable[[], InterpolatedTable], planted: Planted) -> Property:
    first, end = make().first << make().step_bits, 1 << make().input_bits

    def differences() -> list[str]:
        table = make()

        def build(m: Module, u: Value) -> Any:
            return evaluate(m, table, look_up(m, table, u))

        return compare([table.input_bits], build, ((u,) for u in range(first, end)), table.compute)

    claim = Exhaustive(cases=end - first, differences=differences)
    return Property(name=name, statement=statement, claim=claim, planted=planted)


_MODULE = "hdl.units.interpolated_table"

PROPERTIES = (
    _property(
        "interpolated_table.reciprocal",
        "The reciprocal of every normalised sum of weights is the golden model's.",
        lambda: ReciprocalDivide(word=Q4_12).table,
        Planted(module=_MODULE, right="half = C(1 << (table.step_bits - 1)", wrong="half = C(0"),
    ),
    _property(
        "interpolated_table.rsqrt",
        "The reciprocal square root of every normalised sum of squares is the golden model's.",
        lambda: TableRmsNorm(n=16, word=Q4_12).table,
        Planted(module=_MODULE, right="total.eq(base + product)", wrong="total.eq(base + product + 1)"),
    ),
    _property(
        "interpolated_table.exp2",
        "The mantissa of every fraction is the golden model's.",
        lambda: Exp2().table,
        Planted(module=_MODULE, right="value = total[table.step_bits :]", wrong="value = total[table.step_bits :] | 1"),
    ),
)
