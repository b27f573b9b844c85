"""RMSNorm scales: the published floors restated, ours against the real square root, corners included."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talos_ref.golden.arithmetic import precise, talos_v2
from talos_ref.golden.format import FORMATS, Format, Rounding
from talos_ref.golden.rmsnorm import EPS, RootRmsNorm, TableRmsNorm
from talos_ref.model.config import MICROGPT, ModelConfig

WORD = Format(width=16, fraction=12)
WORDS = st.lists(st.integers(-32768, 32767), min_size=16, max_size=16)


def published_scale(x: list[int]) -> int:
    total = sum(v * v // 4096 for v in x)
    ms = total // 16 + 1
    d = math.isqrt(ms * 4096)
    return 32767 if d <= 512 else min(32767, 2**24 // d)


@given(WORDS)
def test_published_scale(x: list[int]) -> None:
    assert RootRmsNorm(n=16, word=WORD).scale(x) == published_scale(x)


def test_published_scale_of_every_mean_square() -> None:
    norm = RootRmsNorm(n=16, word=WORD)
    assert norm.max_mean_square == (32768**2 >> 12) + 1
    for ms in [*range(1, 20_000), *range(20_000, norm.max_mean_square + 1, 37), norm.max_mean_square]:
        d = math.isqrt(ms * 4096)
        assert norm.scale_of_mean(ms) == (32767 if d <= 512 else 2**24 // d), ms


def test_published_corners() -> None:
    norm = RootRmsNorm(n=16, word=WORD)
    assert norm.scale([0] * 16) == 32767
    assert norm.scale([4096] * 16) == 4096
    assert norm.scale([-32768] * 16) == 2**24 // math.isqrt(((2**18 * 16 >> 4) + 1) << 12)


def test_published_needs_a_power_of_two() -> None:
    with pytest.raises(ValueError, match=r"^n_embd must be a power of two in talos-v2, not 24$"):
        talos_v2(ModelConfig(n_embd=24))


def rational_scale(total: int, n: int) -> float:
    """``1 / sqrt(mean + eps)`` in UQ4.13, as a real number."""
    return 8192 / math.sqrt(Fraction(total, n * 2**24) + Fraction(EPS))


@pytest.mark.parametrize("word", FORMATS, ids=str)
@pytest.mark.parametrize("n", [2, 6, 16, 24, 64, 256])
def test_precise_scale_is_the_real_one(word: Format, n: int) -> None:
    norm = TableRmsNorm(n=n, word=word)
    rng = random.Random(n)
    largest = n * word.low**2
    totals = [0, 1, largest, largest - 1, *(int(2 ** rng.uniform(0, math.log2(largest))) for _ in range(8_000))]
    for total in totals:
        exact = rational_scale(total, n)
        scale = norm.scale_of_sum(total)
        if exact >= 131072 * (1 + 2**-10):
            assert scale == 131071
        elif exact < 131072 * (1 - 2**-10):
            # Half a unit of rounding, the 14 bits that u keeps at least, and the table's error, at most 4 of 65536.
            assert abs(scale - exact) <= 0.5 + exact * (2**-15 + 4 / 65536), total


def test_precise_scale_never_rises_with_the_sum() -> None:
    norm = TableRmsNorm(n=16, word=WORD)
    totals = sorted({int(2 ** (i / 500)) for i in range(500 * 34)})
    scales = [norm.scale_of_sum(total) for total in totals]
    # Where the table's segments meet it may rise by a unit.
    assert max(after - before for before, after in pairwise(scales)) <= 1


def test_precise_corners() -> None:
    norm = TableRmsNorm(n=16, word=WORD)
    assert (norm.root_exponent, norm.eps, norm.unit_exponent) == (2, round(16 * 1e-5 * 2**24), 11)
    assert norm.scale([0] * 16) == 131071
    assert norm.scale([256] * 16) == pytest.approx(16 * 8192 / math.sqrt(1 + 256 * 1e-5), abs=8)
    assert norm.scale([4096] * 16) == 8192
    assert norm.scale([-32768] * 16) == 1024
    for word in FORMATS:
        wide = TableRmsNorm(n=16, word=word)
        assert wide.scale([word.low] * 16) == 8192 * 4096 // -word.low
        assert wide.sum_bits == (16 * word.low**2 + 2684).bit_length()
        assert (wide.eps, wide.unit_exponent, wide.table.lines) == (norm.eps, norm.unit_exponent, norm.table.lines)


@pytest.mark.parametrize("spec", [talos_v2(MICROGPT), precise(MICROGPT)], ids=lambda spec: spec.name)
@given(x=WORDS)
def test_normalise_applies_the_scale(spec, x: list[int]) -> None:  # type: ignore[no-untyped-def]
    scale, bits = spec.rmsnorm.scale(x), 12 if spec.name == "talos-v2" else 13
    half = Fraction(0) if spec.word.rounding is Rounding.FLOOR else Fraction(1, 2)
    expected = [min(max(math.floor(Fraction(v * scale, 2**bits) + half), -32768), 32767) for v in x]
    assert spec.normalise(x) == expected
