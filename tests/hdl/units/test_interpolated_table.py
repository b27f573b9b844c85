"""Interpolated tables against the golden model, exhaustively."""

from __future__ import annotations

import pytest
from amaranth.hdl import Module, Signal

from hdl.units.interpolated_table import evaluate, look_up
from talos_ref.golden.divide import ReciprocalDivide
from talos_ref.golden.exp import Exp2
from talos_ref.golden.format import Q4_12
from talos_ref.golden.rmsnorm import TableRmsNorm
from talos_ref.golden.table import InterpolatedTable
from tests.helpers.combinational import evaluate_all
from tests.helpers.streams import assert_equal

# Slopes of both signs; the reciprocal square root of n = 16 is limited at its left end, that of n = 24 is not.
TABLES = {
    "exp2": Exp2().table,
    "reciprocal": ReciprocalDivide(word=Q4_12).table,
    "rsqrt16": TableRmsNorm(n=16, word=Q4_12).table,
    "rsqrt24": TableRmsNorm(n=24, word=Q4_12).table,
}


@pytest.mark.parametrize("name", TABLES)
def test_every_input(name: str) -> None:
    table = TABLES[name]
    cases = [(u,) for u in range(table.first << table.step_bits, 1 << table.input_bits)]
    actual = evaluate_all([table.input_bits], lambda m, u: evaluate(m, table, look_up(m, table, u)), cases)
    assert_equal(actual, [table.compute(u) for (u,) in cases], cases)


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"^exp2 input must be 12 bits wide, not 11$"):
        look_up(Module(), TABLES["exp2"], Signal(11))
    m = Module()
    falling = InterpolatedTable(
        name="falling", function=lambda u: 0.5 - u, index_bits=2, step_bits=2, fraction=4, output_bits=4
    )
    with pytest.raises(ValueError, match=r"^falling must not fall below 0, not -\d+$"):
        evaluate(m, falling, look_up(m, falling, Signal(4)))
