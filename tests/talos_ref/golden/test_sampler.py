"""Samplers: weights, thresholds and tokens by their formulas; every temperature honoured."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talos_ref.golden.arithmetic import precise, talos_v2
from talos_ref.golden.exp import Exp2, WrappingExp
from talos_ref.golden.sampler import TEMPERATURE, BucketSampler, Exp2Sampler, argmax
from talos_ref.model.config import MICROGPT

LOGITS = st.lists(st.integers(-32768, 32767), min_size=1, max_size=27)
STATES = st.integers(1, 0xFFFFFFFF)


@pytest.fixture(scope="module")
def bucket() -> BucketSampler:
    sampler = talos_v2(MICROGPT).sampler
    assert isinstance(sampler, BucketSampler)
    return sampler


@pytest.fixture(scope="module")
def exp2() -> Exp2Sampler:
    sampler = precise(MICROGPT).sampler
    assert isinstance(sampler, Exp2Sampler)
    return sampler


def test_argmax_is_the_first() -> None:
    assert argmax([3, 7, 7, -1]) == 1


def test_buckets(bucket: BucketSampler) -> None:
    cases = {0: -14, 0x7F: -14, 0x80: -14, 0x81: -7, 0x100: -7, 0x101: -4, 0x200: -4, 0x201: -2, 0xFFFF: -2}
    assert {temperature: bucket.temper(-7, temperature) for temperature in cases} == cases
    assert (bucket.min_temperature, bucket.max_temperature, bucket.greedy_at_zero) == (0, 0xFFFF, False)


def test_the_temperature_that_is_drawn_with(bucket: BucketSampler, exp2: Exp2Sampler) -> None:
    """A register reports it; drawing with it is the same."""
    asked = (0, 1, 0x0F, 0x10, 0x11, 0x7F, 0x80, 0x81, 0x100, 0x101, 0x200, 0x201, 0x1000, 0xFFFF)
    assert [bucket.honoured(t) for t in asked] == [0x80] * 7 + [0x100] * 2 + [0x200] * 2 + [0x400] * 3
    assert [exp2.honoured(t) for t in asked] == [0, 0x10, 0x10, *asked[3:]]
    assert all(bucket.temper(delta, t) == bucket.temper(delta, bucket.honoured(t)) for delta in (-7, 9) for t in asked)


@given(LOGITS, st.sampled_from([0x80, 0x100, 0x180, 0x300]), STATES)
def test_published_draw(logits: list[int], temperature: int, rng: int) -> None:
    bucket = BucketSampler(exp=WrappingExp())
    factor = Fraction({0x80: 8, 0x100: 4, 0x180: 2, 0x300: 1}[temperature], 4)
    weights = [WrappingExp().compute(math.floor((logit - max(logits)) * factor)) for logit in logits]
    assert bucket.weights(logits, temperature) == weights
    total = sum(weights) % 2**32
    uniform = (rng * 84475 % 2**32) // 256
    cut = min(uniform * total // 2**24, (total - 1) % 2**32)
    running, token = 0, logits.index(max(logits))
    for index, weight in enumerate(weights):
        running = (running + weight) % 2**32
        if running > cut:
            token = index
            break
    assert bucket.draw(logits, temperature, rng) == token


def test_published_sums_wrap(bucket: BucketSampler) -> None:
    """Two of the weights of 3.2e9 pass 2^32: the sum is then smaller than one of them, and the last is never drawn."""
    logits = [0, -(253 << 8), -(253 << 8)]
    weights = bucket.weights(logits, 0x100)
    assert weights == [4096, 3221226497, 3221226497]
    total = sum(weights) % 2**32
    assert total < weights[1]
    assert bucket.cut(1, total) < total
    # The state whose product with the multiplier is 1 gives the threshold 0.
    zero = pow(bucket.multiplier, -1, 2**32)
    assert bucket.cut(zero, total) == 0
    assert bucket.draw(logits, 0x100, zero) == 0
    assert {bucket.draw(logits, 0x100, rng) for rng in range(1, 4000)} == {1}


def test_every_temperature_is_honoured(exp2: Exp2Sampler) -> None:
    assert (exp2.min_temperature, exp2.max_temperature) == (256 // 16, 256 * 16)
    for temperature in range(exp2.min_temperature, exp2.max_temperature + 1):
        exact = math.log2(math.e) * 256 / temperature
        inverse = exp2.inverse(temperature)
        assert inverse < 1 << 17
        assert abs(inverse / 2 ** exp2.shift(temperature) / exact - 1) <= 2**-12, temperature


def test_inverse_is_the_rounded_quotient(exp2: Exp2Sampler) -> None:
    numerators = {12: round(math.log2(math.e) * 2**20), 16: round(math.log2(math.e) * 2**24)}
    for temperature in range(0x10, 0x1001):
        shift = 16 if temperature >= 256 else 12
        assert exp2.shift(temperature) == shift
        assert exp2.numerator(temperature) == numerators[shift]
        expected = math.floor(Fraction(numerators[shift], temperature) + Fraction(1, 2))
        assert exp2.inverse(temperature) == expected


@given(LOGITS, st.integers(0x10, 0x1000))
def test_exponents_and_weights(logits: list[int], temperature: int) -> None:
    exp2 = precise(MICROGPT).sampler
    assert isinstance(exp2, Exp2Sampler)
    inverse, shift = exp2.inverse(temperature), exp2.shift(temperature)
    exponents = [math.floor(Fraction(logit * inverse, 2**shift) + Fraction(1, 2)) for logit in logits]
    assert exp2.exponents(logits, temperature) == exponents
    top = max(t // 4096 for t in exponents)
    assert exp2.weights(logits, temperature) == [
        exp2.exp.compute(t % 4096, 0) >> min(top - t // 4096, 31) for t in exponents
    ]


@given(LOGITS, st.integers(0x10, 0x1000), STATES)
def test_draw_is_the_float_threshold_rule(logits: list[int], temperature: int, rng: int) -> None:
    exp2 = Exp2Sampler(exp=Exp2())
    weights = exp2.weights(logits, temperature)
    threshold = Fraction(rng % 2**24, 2**24)
    sums = list(accumulate(weights))
    # Against the exact threshold: an integer exceeds a number as it exceeds its floor.
    expected = next(token for token, total in enumerate(sums) if total > threshold * sums[-1])
    assert exp2.draw(logits, temperature, rng) == expected


@pytest.mark.parametrize("temperature", [16, 64, 128, 256, 512, 4096])
def test_probabilities_to_2_12(exp2: Exp2Sampler, temperature: int) -> None:
    logits = [4199, -2126, -146, 90, 34, -6162, -5826, -3455, -2810, 1891, 2290, 39, 1798, -1418, -3621, -5714, -19029]
    weights = exp2.weights(logits, temperature)
    exact = [math.exp((logit - max(logits)) / 4096 * 256 / temperature) for logit in logits]
    for weight, wanted in zip(weights, exact, strict=True):
        assert abs(weight / sum(weights) - wanted / sum(exact)) <= 2**-12


def test_a_cut_is_always_below_the_sum(exp2: Exp2Sampler) -> None:
    for total in (65534, 27 * 131071, 1 << 22):
        assert exp2.cut(0xFFFFFFFF, total) == total - 1 - (total - 1 >> 24)
        assert exp2.cut(0xFF000000, total) == 0
    assert exp2.draw([0] * 27, 256, 0xFFFFFFFF) == 26
    assert exp2.draw([0] * 27, 256, 0x01000000) == 0


def test_temperature_format() -> None:
    assert (str(TEMPERATURE), TEMPERATURE.high) == ("UQ8.8", 0xFFFF)
