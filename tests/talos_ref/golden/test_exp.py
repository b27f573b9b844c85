"""Exponentials: every table entry by value, and every input of every unit against its formula."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talos_ref.golden.exp import EXP_TABLE, Exp2, StepExp, WrappingExp

# Written out a second time, so that a changed entry is noticed: the published RTL's.
PUBLISHED = (
    "4096 3189 2484 1935 1507 1174 914 712 555 432 337 262 204 159 124 97 "
    "75 59 46 36 28 22 17 13 10 8 6 5 4 3 2 1"
)


def test_every_entry_of_the_published_table() -> None:
    assert [str(entry) for entry in EXP_TABLE] == PUBLISHED.split()
    # It is an exponential: each entry within 1.5 of 4096·e^(-i/4).
    assert all(abs(entry - 4096 * math.exp(-i / 4)) < 1.5 for i, entry in enumerate(EXP_TABLE))


def test_attention_weight_of_every_delta() -> None:
    unit = StepExp()
    for fall in range(65536):
        # To the nearest of the steps of 1024, a half going to the smaller fall.
        index = min(math.ceil((fall - 512) / 1024), 31)
        assert unit.compute(-fall) == EXP_TABLE[index], fall


def published_weight(delta: int) -> int:
    """The sampler's weight with Verilog's 32-bit registers spelled out."""
    if delta >= 0:
        return 4096
    f = ((-delta + 127) // 256) % 256
    c = f // 4
    n = (c + 1) % 64
    at, after = (EXP_TABLE[i] if i < 32 else 1 for i in (c, n))
    product = ((at - after) % 2**32) * (f % 4) % 2**32
    return (at - product // 4) % 2**32 or 1


def test_sampling_weight_of_every_delta() -> None:
    unit = WrappingExp()
    for delta in range(-131070, 1000):
        assert unit.compute(delta) == published_weight(delta), delta


def test_the_two_wraps() -> None:
    unit = WrappingExp()
    assert unit.compute(-65536) == 4096
    assert unit.compute(-(253 << 8)) == 3221226497
    wrapped = [fall for fall in range(131071) if unit.wraps(-fall)]
    # The second begins at f = 253, 126 short of its step; the first follows, and nothing comes back.
    assert wrapped == list(range((253 << 8) - 127, 131071))
    assert not unit.wraps(5)


def test_weights_never_rise_but_through_a_wrap() -> None:
    unit = WrappingExp()
    falls = [fall for fall in range(131071) if not unit.wraps(-fall)]
    weights = [unit.compute(-fall) for fall in falls]
    assert weights == sorted(weights, reverse=True)


def test_mantissa_of_every_fraction() -> None:
    unit = Exp2()
    for f in range(4096):
        assert abs(unit.compute(f, 0) - 65536 * 2 ** (f / 4096)) <= 5, f
    mantissas = [unit.compute(f, 0) for f in range(4096)]
    assert mantissas == sorted(mantissas)
    assert (mantissas[0], mantissas[-1]) == (65534, 131047)


@given(st.integers(-(1 << 20), 1 << 20), st.integers(0, 40))
def test_weight_is_a_mantissa_shifted(t: int, below: int) -> None:
    unit = Exp2()
    mantissa = unit.compute(t % 4096, 0)
    shift = min(below, 31)
    assert unit.compute(t, t // 4096 + below) == mantissa // 2**shift


@given(st.lists(st.integers(-40000, 40000), min_size=1, max_size=27))
def test_weights_are_proportional_to_powers_of_two(exponents: list[int]) -> None:
    weights = Exp2().weights(exponents)
    top = max(t // 4096 for t in exponents)
    assert max(weights) >= 65534
    for t, weight in zip(exponents, weights, strict=True):
        assert abs(weight - 65536 * 2.0 ** (t / 4096 - top)) <= 6


@pytest.mark.parametrize("exponents", [[0], [-4096, 0], [5, 5, 5]])
def test_equal_exponents_have_equal_weights(exponents: list[int]) -> None:
    weights = Exp2().weights(exponents)
    assert [weight for t, weight in zip(exponents, weights, strict=True) if t == max(exponents)] == [
        max(weights)
    ] * exponents.count(max(exponents))
