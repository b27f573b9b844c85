"""Division: truncation as Verilog has it, and the reciprocal against the exact quotient."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talos_ref.golden.divide import ReciprocalDivide, TruncatingDivide
from talos_ref.golden.format import FORMATS, Format, Rounding

WORD = Format(width=16, fraction=12, rounding=Rounding.NEAREST)


def saturate(value: int) -> int:
    return min(max(value, -32768), 32767)


@given(st.integers(-(1 << 40), 1 << 40), st.integers(1, 1 << 20))
def test_truncates_towards_zero(numerator: int, denominator: int) -> None:
    expected = saturate(math.trunc(Fraction(numerator, denominator)))
    assert TruncatingDivide(word=WORD).compute(numerator, denominator) == expected


def test_both_signs() -> None:
    divide = TruncatingDivide(word=WORD)
    assert [divide.compute(n, 4096) for n in (4095, 4096, -4095, -4096, -8191)] == [0, 1, 0, -1, -1]


@pytest.mark.parametrize("word", FORMATS, ids=str)
def test_weighted_means_are_within_a_unit(word: Format) -> None:
    """Means of words by Exp2 weights, at any magnitude."""
    divide, rng = ReciprocalDivide(word=replace(word, rounding=Rounding.NEAREST)), random.Random(1)
    # What is floored away below the guard bits is at most a unit of the last of them, times a reciprocal of at most 2.
    floored = Fraction(2, 1 << divide.guard)
    for _ in range(10_000):
        count = rng.randint(1, 16)
        weights = [rng.randint(65534, 131071)] + [rng.randint(0, 131071) for _ in range(count - 1)]
        size = rng.choice((10, 500, 4096, word.high))
        values = [rng.randint(-size, size) for _ in range(count)]
        numerator, denominator = sum(w * v for w, v in zip(weights, values, strict=True)), sum(weights)
        exact = Fraction(numerator, denominator)
        error = abs(divide.compute(numerator, denominator) - exact)
        # Half a unit of rounding; the reciprocal's 2 of 65536, u's 2^-15.
        bound = Fraction(1, 2) + floored + abs(exact) * (Fraction(2, 65536) + Fraction(1, 32768))
        assert error <= bound, (numerator, denominator)


def test_a_single_position_gives_its_value_back() -> None:
    """A mean of one value by any mantissa is that value to a unit, and exactly so for the small ones."""
    divide = ReciprocalDivide(word=WORD)
    for weight in range(65534, 131072, 61):
        for value in (-32768, -4097, -1, 0, 1, 100, 4096, 32767):
            error = abs(divide.compute(weight * value, weight) - value)
            assert error <= (1 if abs(value) < 8192 else 2), (weight, value)


@pytest.mark.parametrize("word", FORMATS, ids=str)
@pytest.mark.parametrize("denominator", [1 << 15, 65534, 65535, 65536, 131071, 16 * 131071])
def test_formula_of_the_reciprocal(word: Format, denominator: int) -> None:
    divide = ReciprocalDivide(word=word)
    guard = {16: 2, 17: 2, 18: 1}[word.width]
    e = denominator.bit_length() - 16
    u = denominator >> e
    i, d = u >> 8, u & 255
    left, middle, right = (65536 / ((i + part) / 256) for part in (0, 0.5, 1))
    base, slope = round(left + (middle - (left + right) / 2) / 2), round(right - left)
    reciprocal = min(base + ((slope * d + 128) >> 8), 131071)
    for numerator in (-(1 << 33), -123456789, -1, 0, 1, 65535, 987654321):
        rounded = ((numerator >> (e + 16 - guard)) * reciprocal + (1 << (15 + guard))) >> (16 + guard)
        expected = min(max(rounded, -(1 << (word.width - 1))), (1 << (word.width - 1)) - 1)
        assert divide.compute(numerator, denominator) == expected


def test_refusal() -> None:
    with pytest.raises(ValueError, match=r"^denominator must be at least 32768, not 32767$"):
        ReciprocalDivide(word=WORD).compute(1, 32767)
