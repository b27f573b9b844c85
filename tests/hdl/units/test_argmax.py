"""The first maximum against Python's ``max``."""

from __future__ import annotations

import itertools
import random

import pytest
from amaranth.hdl import Cat, Module, signed

from hdl.units.argmax import first_maximum
from talos_ref.golden.sampler import argmax
from tests.helpers.combinational import evaluate_all
from tests.helpers.streams import assert_equal, seed


def check(count: int, width: int, cases: list[tuple[int, ...]]) -> None:
    """Compare index and value, packed into one number, over the cases."""
    actual = evaluate_all([signed(width)] * count, lambda m, *values: Cat(*_pair(m, values)), cases)
    mask = (1 << width) - 1
    expected = [argmax(case) | (max(case) & mask) << (count - 1).bit_length() for case in cases]
    assert_equal(actual, expected, cases)


def _pair(m: Module, values: tuple[object, ...]) -> tuple[object, object]:
    index, value = first_maximum(m, values)
    return index[: (len(values) - 1).bit_length()], value


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_every_order(count: int) -> None:
    check(count, 3, list(itertools.product((-4, -1, 0, 3), repeat=count)))


@pytest.mark.parametrize("count", [9, 27, 28])
def test_random(count: int) -> None:
    # Few different values, so that the maximum is met more than once.
    draw = random.Random(seed())
    cases = [tuple(draw.randint(-spread - 1, spread) for _ in range(count)) for spread in (0, 1, 8, 32767) * 50]
    check(count, 16, cases)


def test_refusal() -> None:
    with pytest.raises(ValueError, match=r"^values must not be empty$"):
        first_maximum(Module(), [])
