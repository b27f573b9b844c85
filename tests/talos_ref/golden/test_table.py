"""Interpolated tables: construction re-stated, error over every input, and every stored bit pinned."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable

import pytest

from talos_ref.golden.arithmetic import precise
from talos_ref.golden.constants import constants
from talos_ref.golden.divide import ReciprocalDivide
from talos_ref.golden.exp import Exp2
from talos_ref.golden.format import Q4_12
from talos_ref.golden.rmsnorm import TableRmsNorm
from talos_ref.golden.table import InterpolatedTable
from talos_ref.model.config import MICROGPT, ModelConfig

TABLES: dict[str, tuple[InterpolatedTable, Callable[[float], float], float]] = {
    # Largest error in units of the last place, over all inputs: half of one is rounding, the rest the line's.
    "exp2": (Exp2().table, lambda u: 2.0**u, 5.0),
    "rsqrt": (TableRmsNorm(n=16, word=Q4_12).table, lambda u: 1 / math.sqrt(u), 2.5),
    "reciprocal": (ReciprocalDivide(word=Q4_12).table, lambda u: 1 / u, 2.0),
}


@pytest.mark.parametrize("name", TABLES)
def test_error_over_every_input(name: str) -> None:
    table, function, bound = TABLES[name]
    worst = 0.0
    for u in range(table.first << table.step_bits, 1 << table.input_bits):
        exact = min(function(u / (1 << table.input_bits)) * 2**table.fraction, 2**table.output_bits - 1)
        worst = max(worst, abs(table.compute(u) - exact))
    assert 0 < worst <= bound


@pytest.mark.parametrize("name", TABLES)
def test_lines_are_those_of_the_rule(name: str) -> None:
    """End points on the function, moved by half the gap in the middle, both rounded."""
    table, function, _ = TABLES[name]
    count = 2**table.index_bits
    assert len(table.lines) == count - table.first
    for row, (base, slope) in enumerate(table.lines):
        index = table.first + row
        left, middle, right = (function((index + part) / count) * 2**table.fraction for part in (0, 0.5, 1))
        assert base == round(left + (middle - (left + right) / 2) / 2)
        assert slope == round(right - left)


def test_interpolation_by_hand() -> None:
    table = InterpolatedTable(
        name="line", function=lambda u: 3 - 2 * u, index_bits=1, step_bits=3, fraction=4, output_bits=6, first=1
    )
    assert table.lines == ((32, -16),)
    assert [table.compute(u) for u in range(8, 16)] == [32, 30, 28, 26, 24, 22, 20, 18]
    for outside in (7, 16, -1):
        with pytest.raises(ValueError, match=f"^line input must be 8 to 15, not {outside}$"):
            table.compute(outside)


def test_output_is_limited() -> None:
    table = InterpolatedTable(name="x", function=lambda u: 2.0, index_bits=1, step_bits=1, fraction=4, output_bits=5)
    assert [table.compute(u) for u in range(4)] == [31] * 4


def test_a_slope_that_falls_rounds_halves_up() -> None:
    table = InterpolatedTable(name="x", function=lambda u: 4 - u, index_bits=0, step_bits=2, fraction=1, output_bits=6)
    assert [table.compute(u) for u in range(4)] == [8, 8, 7, 7]


# Of the lines as `python -m talos_ref tables --arithmetic precise --json` prints them. Whoever changes a bit changes
# the arithmetic: then talos_ref/golden/arithmetic.md, the circuits and this digest change together.
DIGESTS = {
    "exp2": "a558077064d1dd1969ce3651464340815715bf8d74a208f72923d88877daf4fa",
    "rsqrt": "27ef5bd1083ba33e6096eadb11f6eb7e1e6322442830d8d47d26902b29e10c2c",
    "reciprocal": "558fc0504dcdd2345403c4875e7599064b94b731417e561f214254fb74875224",
}


@pytest.mark.parametrize("name", DIGESTS)
def test_every_entry_is_pinned(name: str) -> None:
    lines = constants(precise(MICROGPT))[name]["lines"]
    assert hashlib.sha256(json.dumps(lines).encode()).hexdigest() == DIGESTS[name]


def test_constants_of_another_width() -> None:
    wide = constants(precise(ModelConfig(n_embd=64, n_head=4)))
    assert wide["query_scale"] == round(math.log2(math.e) / 4 * 8192)
    assert wide["eps"] == round(64e-5 * 2**24)
    assert wide["exp2"] == constants(precise(MICROGPT))["exp2"]
