"""Gumbel-max: keys and tokens by their formula, ties, and the exact probability of every token."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talos_ref.golden.gumbel_noise import GumbelNoise
from talos_ref.golden.gumbel_sampler import GumbelSampler
from talos_ref.golden.lane_bits import lane_bits
from talos_ref.studies.gumbel import exact_probabilities

SAMPLER = GumbelSampler(noise=GumbelNoise())
LOGITS = st.lists(st.integers(-65536, 65535), min_size=1, max_size=27)
# Some logits of the published model: the first letter of a name.
FIRST = [4199, -2126, -146, 90, 34, -6162, -5826, -3455, -2810, 1891, 2290, 39, 1798, -1418, -3621, -5714, -19029]


@given(LOGITS, st.integers(0x10, 0x1000), st.integers(1, 0xFFFFFFFF))
def test_draw(logits: list[int], temperature: int, rng: int) -> None:
    keys = []
    for lane, logit in enumerate(logits):
        noise = Fraction(temperature, 256) * Fraction(SAMPLER.noise.compute(lane_bits(rng, lane)), 4096)
        keys.append(Fraction(logit, 4096) + Fraction(math.floor(noise * 65536 + Fraction(1, 2)), 65536))
    assert SAMPLER.draw(logits, temperature, rng) == keys.index(max(keys))


def test_a_tie_goes_to_the_first() -> None:
    """Logits that take back all noise make keys equal: at T = 16 noise is 16 · 2^-12 a step, a whole logit."""
    noises = SAMPLER.noises(27, 0x1000, 99)
    assert all(noise % 16 == 0 for noise in noises)
    logits = [-noise >> 4 for noise in noises]
    assert SAMPLER.draw(logits, 0x1000, 99) == 0
    logits[5] += 1
    logits[9] += 1
    assert SAMPLER.draw(logits, 0x1000, 99) == 5
    rows = np.array([logits, [logit + 1 for logit in logits[:5]] + logits[5:]])
    assert SAMPLER.batched_draw(rows, 0x1000, np.array([99, 99])).tolist() == [5, 0]


def test_keys_fit_26_bits() -> None:
    largest = (65535 << 4) + SAMPLER.noise.compute(0xFFFFFFFF) * 4096 // 16
    assert largest < 1 << 25
    assert (-(65536 << 4)) + SAMPLER.noise.compute(0) * 4096 // 16 >= -(1 << 25)


def test_the_temperature_that_is_drawn_with() -> None:
    assert [SAMPLER.honoured(t) for t in (0, 1, 15, 16, 17, 4096, 4097)] == [0, 16, 16, 16, 17, 4096, 4096]
    assert (SAMPLER.min_temperature, SAMPLER.max_temperature, SAMPLER.greedy_at_zero) == (16, 4096, True)


@pytest.mark.parametrize("temperature", [16, 64, 128, 256, 512, 4096])
def test_probabilities_to_2_14(temperature: int) -> None:
    weights = np.exp((np.array(FIRST) - max(FIRST)) / 4096 * 256 / temperature)
    wanted = weights / weights.sum()
    exact = exact_probabilities(SAMPLER, FIRST, temperature)
    assert exact.sum() == pytest.approx(1, abs=1e-12)
    assert np.abs(exact - wanted).max() < 2**-14
    rows = np.tile(FIRST, (len(FIRST), 1))
    estimated = SAMPLER.batched_probability(rows, np.arange(len(FIRST)), temperature)
    assert np.abs(estimated - exact).max() < 2**-14


@pytest.mark.parametrize("temperature", [16, 128, 4096])
def test_exact_probabilities_are_those_of_draws(temperature: int) -> None:
    """Two tokens: every key of one against every key of the other, by a million pairs of states."""
    logits = [300, 0] if temperature < 4096 else [9000, 0]
    rng = np.random.default_rng(6).integers(1, 1 << 32, 1_000_000)
    share = (SAMPLER.batched_draw(np.tile(logits, (len(rng), 1)), temperature, rng) == 0).mean()
    expected = exact_probabilities(SAMPLER, logits, temperature)[0]
    assert abs(share - expected) < 4.5 * math.sqrt(expected * (1 - expected) / len(rng))


def test_ties_count_for_the_first() -> None:
    """Equal logits: the first of two wins more often by the chance of a tie, 2^-14."""
    first, second = exact_probabilities(SAMPLER, [0, 0], 256)
    assert first - second == pytest.approx(2**-14, rel=0.05)


def test_a_token_too_far_below_is_not_drawn() -> None:
    assert exact_probabilities(SAMPLER, [0, -27 * 4096], 256)[1] == 0
    assert exact_probabilities(SAMPLER, [0, -24 * 4096], 256)[1] > 0


def test_probabilities_need_a_temperature() -> None:
    with pytest.raises(ValueError, match=r"^temperature must be 16 to 4096, not 0$"):
        exact_probabilities(SAMPLER, [0, 1], 0)
