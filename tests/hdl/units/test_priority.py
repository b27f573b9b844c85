"""Priority circuits, every input of a few widths."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth.hdl import C, Cat, Module

from hdl.units.priority import first_index, first_set, several
from tests.helpers.combinational import evaluate_all
from tests.helpers.streams import assert_equal

WIDTHS = [1, 2, 3, 5, 7, 11]


@pytest.mark.parametrize("width", WIDTHS)
def test_first_set(width: int) -> None:
    cases = [(bits,) for bits in range(1 << width)]
    actual = evaluate_all([width], lambda m, bits: first_set(m, bits) | C(0, width), cases)
    assert_equal(actual, [bits & -bits for (bits,) in cases], cases)


@pytest.mark.parametrize("width", WIDTHS)
def test_first_index(width: int) -> None:
    """The index counts only where a bit is set."""

    def build(m: Module, bits: Any) -> Any:
        found, index = first_index(m, bits)
        return Cat(found, index) & Cat(C(1, 1), found.replicate(len(index)))

    cases = [(bits,) for bits in range(1 << width)]
    expected = [((bits & -bits).bit_length() - 1) << 1 | 1 if bits else 0 for (bits,) in cases]
    assert_equal(evaluate_all([width], build, cases), expected, cases)


@pytest.mark.parametrize("width", WIDTHS)
def test_several(width: int) -> None:
    cases = [(bits,) for bits in range(1 << width)]
    actual = evaluate_all([width], lambda m, bits: several(bits) | C(0, 1), cases)
    assert_equal(actual, [int(bits.bit_count() > 1) for (bits,) in cases], cases)
