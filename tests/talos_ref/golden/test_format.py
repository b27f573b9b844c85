"""Fixed-point formats against exact rational arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talos_ref.golden.format import Q4_12, Format, Rounding, shift_right

WIDE = st.integers(-(1 << 40), 1 << 40)


@given(WIDE, st.integers(-5, 45))
def test_floor_is_the_floor_of_the_quotient(value: int, bits: int) -> None:
    exact = Fraction(value) / Fraction(2) ** bits
    assert shift_right(value, bits, Rounding.FLOOR) == math.floor(exact)


@given(WIDE, st.integers(-5, 45))
def test_nearest_rounds_halves_up(value: int, bits: int) -> None:
    exact = Fraction(value) / Fraction(2) ** bits
    assert shift_right(value, bits, Rounding.NEAREST) == math.floor(exact + Fraction(1, 2))


def test_halves() -> None:
    rounded = [shift_right(value, 2, Rounding.NEAREST) for value in (-6, -5, -2, -1, 1, 2, 5, 6)]
    assert rounded == [-1, -1, 0, 0, 0, 1, 1, 2]


def test_range_of_words() -> None:
    assert (Q4_12.low, Q4_12.high) == (-32768, 32767)
    assert str(Q4_12) == "Q4.12"
    unsigned = Format(width=15, fraction=12, signed=False)
    assert (unsigned.low, unsigned.high, str(unsigned)) == (0, 32767, "UQ3.12")


@given(WIDE, st.integers(1, 40), st.booleans())
def test_saturation_is_the_nearest_in_range(value: int, width: int, signed: bool) -> None:
    low, high = (-(2 ** (width - 1)), 2 ** (width - 1) - 1) if signed else (0, 2**width - 1)
    expected = low if value < low else high if value > high else value
    assert Format(width=width, fraction=0, signed=signed).saturate(value) == expected


@given(WIDE, st.integers(0, 30), st.sampled_from(Rounding))
def test_requantise_rounds_then_saturates(value: int, fraction: int, rounding: Rounding) -> None:
    target = Format(width=16, fraction=12, rounding=rounding)
    half = Fraction(1, 2) if rounding is Rounding.NEAREST else 0
    rounded = math.floor(Fraction(value, 2**fraction) * 4096 + half)
    assert target.requantise(value, fraction) == min(max(rounded, -32768), 32767)


def test_quantise_rounds_half_to_even() -> None:
    ulp = 2.0**-12
    assert [Q4_12.quantise(x * ulp) for x in (0.5, 1.5, 2.5, -0.5, -1.5, -2.5)] == [0, 2, 2, 0, -2, -2]
    assert (Q4_12.quantise(8.0), Q4_12.quantise(-9.0)) == (32767, -32768)
    assert Q4_12.to_float(Q4_12.quantise(-1.25)) == -1.25
    for bad in (math.nan, math.inf):
        with pytest.raises(ValueError, match=f"^value must be finite, not {bad}$"):
            Q4_12.quantise(bad)


@pytest.mark.parametrize(("width", "fraction", "what"), [(0, 0, "width"), (65, 0, "width"), (8, -1, "fraction")])
def test_refusals(width: int, fraction: int, what: str) -> None:
    with pytest.raises(ValueError, match=f"^{what} must be [01] to 64, not "):
        Format(width=width, fraction=fraction)
