"""All cases of a circuit beside a function: equal, and the first that is not."""

from __future__ import annotations

from amaranth.hdl import Module, Value, signed

from hdl.exhaustive import compare


def _sum(m: Module, a: Value, b: Value) -> Value:
    return (a + b)[:3].as_signed()


CASES = [(a, b) for a in range(-2, 2) for b in range(-2, 2)]


def test_equal_cases_make_no_difference() -> None:
    assert compare([signed(2), signed(2)], _sum, CASES, lambda a, b: a + b) == []


def test_the_first_difference_is_told() -> None:
    found = compare([signed(2), signed(2)], _sum, CASES, lambda a, b: a + abs(b))
    assert found == ["(-2, -2) gives -4, not 0"]
