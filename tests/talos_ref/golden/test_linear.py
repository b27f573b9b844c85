"""Matrix-vector products: exact sums rounded once, and the scaled form against exact fractions."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talos_ref.golden.format import FORMATS, Format, Rounding
from talos_ref.golden.linear import Linear, ScaledLinear, dot, matvec

FLOOR = Format(width=16, fraction=12, rounding=Rounding.FLOOR)
NEAREST = Format(width=16, fraction=12, rounding=Rounding.NEAREST)
SCALE = Format(width=17, fraction=13, signed=False)
SCALED = [ScaledLinear(word=replace(word, rounding=Rounding.NEAREST), scale_format=SCALE) for word in FORMATS]
SUM = st.integers(-(1 << 38), 1 << 38)


def saturate(value: int, bits: int = 16) -> int:
    return min(max(value, -(1 << (bits - 1))), (1 << (bits - 1)) - 1)


def half_up(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


@given(SUM)
def test_words_of_a_sum(total: int) -> None:
    exact = Fraction(total, 4096)
    assert Linear(word=FLOOR).requantise(total) == saturate(math.floor(exact))
    assert Linear(word=NEAREST).requantise(total) == saturate(half_up(exact))


def test_one_rounding_after_the_whole_sum() -> None:
    # Four quarters make one unit together and nothing one by one.
    assert Linear(word=FLOOR).compute([[1024] * 4], [1] * 4) == [1]
    assert Linear(word=FLOOR).compute([[-1] * 4], [1] * 4) == [-1]
    assert Linear(word=NEAREST).compute([[-1] * 4], [1] * 4) == [0]


def test_intermediate_sums_do_not_saturate() -> None:
    assert Linear(word=FLOOR).compute([[32767, 32767, -32768, -32768]], [32767] * 4) == [-16]
    assert Linear(word=FLOOR).compute([[32767] * 4, [-32768] * 4], [32767] * 4) == [32767, -32768]


def test_matvec() -> None:
    assert matvec([[1, 2, 3], [4, 5, 6]], [7, -8, 9]) == [18, 42]
    with pytest.raises(ValueError, match=r"^zip\(\) argument 2 is shorter than argument 1$"):
        dot([1, 2], [3])


@given(st.sampled_from(SCALED), SUM, st.integers(0, 131071), SUM)
def test_scaled_sum(scaled: ScaledLinear, total: int, scale: int, addend: int) -> None:
    bits = scaled.word.width
    # Q5.13, Q6.13 and Q7.12.
    fraction, width = {16: (13, 18), 17: (13, 19), 18: (12, 19)}[bits]
    wide = saturate(half_up(Fraction(total, 2 ** (24 - fraction))), width)
    assert scaled.widen(total) == wide
    exact = Fraction(wide * scale, 2 ** (13 + fraction)) + Fraction(addend, 2**24)
    assert scaled.requantise(total, scale, addend) == saturate(half_up(exact * 4096), bits)


@given(st.sampled_from(SCALED), SUM)
def test_scale_of_one_only_rounds_twice(scaled: ScaledLinear, total: int) -> None:
    word = scaled.requantise(total, 8192)
    assert abs(word - saturate(half_up(Fraction(total, 4096)), scaled.word.width)) <= 1
