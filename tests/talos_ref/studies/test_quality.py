"""Fixed point against the float model: likelihood, divergence, and what the samplers really draw."""

from __future__ import annotations

import math

import numpy as np
import pytest

from talos_ref.golden.arithmetic import Arithmetic, folded, precise, talos_v2
from talos_ref.golden.batched import replay
from talos_ref.golden.exp import WrappingExp
from talos_ref.golden.float_model import FloatModel
from talos_ref.golden.float_ops import softmax
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.golden.sampler import BucketSampler
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import MICROGPT
from talos_ref.studies.nll import evaluate
from talos_ref.studies.quality import fixed_quality, float_nll, sampled_quality, wrapped_share

PUBLISHED_NLL = 2.26331


def model_of(checkpoint: Checkpoint, spec: Arithmetic) -> IntegerModel:
    return IntegerModel(checkpoint, spec)


@pytest.fixture(scope="module")
def slice500(names: list[str]) -> list[str]:
    return names[:500]


def test_precise_is_within_its_bars(checkpoint: Checkpoint, slice500: list[str]) -> None:
    result = fixed_quality(slice500, checkpoint, model_of(checkpoint, precise(MICROGPT)))
    assert result.characters == 3517
    assert abs(result.nll - PUBLISHED_NLL) <= 1e-4
    assert 0 < result.kl <= 5e-7


@pytest.mark.parametrize(("first", "count", "characters"), [(0, 500, 3517), (10_000, 5000, 36923)])
def test_folded_is_within_its_bars(
    checkpoint: Checkpoint, names: list[str], first: int, count: int, characters: int
) -> None:
    chosen = names[first : first + count]
    result = fixed_quality(chosen, checkpoint, model_of(checkpoint, folded(MICROGPT)))
    exact = evaluate(chosen, MICROGPT, FloatModel(checkpoint).batched_logits)
    assert result.characters == characters
    assert abs(result.nll - exact.nll) <= 5e-5
    assert 0 < result.kl <= 9e-8


def test_figures_of_the_readme(checkpoint: Checkpoint, slice500: list[str]) -> None:
    ours = fixed_quality(slice500, checkpoint, model_of(checkpoint, precise(MICROGPT)))
    theirs = fixed_quality(slice500, checkpoint, model_of(checkpoint, talos_v2(MICROGPT)))
    assert (f"{ours.nll:.5f}", f"{ours.kl:.1e}") == ("2.26333", "1.1e-07")
    assert (f"{theirs.nll:.5f}", f"{theirs.kl:.1e}") == ("2.26331", "7.1e-06")


def test_published_sampler(checkpoint: Checkpoint, slice500: list[str]) -> None:
    model = model_of(checkpoint, talos_v2(MICROGPT))
    sampled = sampled_quality(slice500, model, 0x80)
    assert (f"{sampled.nll:.2f}", sampled.impossible, sampled.characters) == ("3.30", 0, 3517)
    assert f"{float_nll(slice500, checkpoint, 0.5):.2f}" == "2.61"
    assert f"{wrapped_share(checkpoint, range(1, 2001), 0.5):.0%}" == "53%"


def test_our_sampler_draws_what_the_model_says(checkpoint: Checkpoint, slice500: list[str]) -> None:
    model = model_of(checkpoint, precise(MICROGPT))
    sampled = sampled_quality(slice500, model, 0x100)
    assert sampled.impossible == 0
    assert abs(sampled.nll - PUBLISHED_NLL) <= 1e-4
    # At 0.5 nine letters of the slice have a weight below 2^-16 and cannot be drawn; each counts as 2^-24.
    cold = sampled_quality(slice500, model, 0x80)
    assert cold.impossible == 9
    assert abs(cold.nll - float_nll(slice500, checkpoint, 0.5)) < 0.015


def test_folded_can_draw_every_letter(checkpoint: Checkpoint, slice500: list[str]) -> None:
    """At 0.5 too, where precise has nine letters that it never draws."""
    cold = sampled_quality(slice500, model_of(checkpoint, folded(MICROGPT)), 0x80)
    assert cold.impossible == 0
    assert abs(cold.nll - float_nll(slice500, checkpoint, 0.5)) < 1e-3


def test_published_sampler_of_a_single_character(checkpoint: Checkpoint) -> None:
    """The definition, once by hand: "a" after BOS, and BOS after that."""
    model = model_of(checkpoint, talos_v2(MICROGPT))
    sampler, cache = BucketSampler(exp=WrappingExp()), model.new_cache()
    expected = 0.0
    for token, wanted, position in ((26, 0, 0), (0, 26, 1)):
        weights = sampler.weights(model.logits(token, position, cache), 0x80)
        expected -= math.log(weights[wanted] / sum(weights))
    assert sampled_quality(["a"], model, 0x80).nll == pytest.approx(expected / 2, rel=1e-12)


def chi_square_limit(degrees: int, z: float) -> float:
    """The chi-square quantile of a normal quantile, by Wilson and Hilferty (1931)."""
    return degrees * (1 - 2 / (9 * degrees) + z * math.sqrt(2 / (9 * degrees))) ** 3


def test_chi_square_limit_is_that_of_the_tables() -> None:
    # Quantiles 0.99 of 1, 10, 26 and 100 degrees of freedom as printed tables give them.
    for degrees, printed in ((10, 23.209), (26, 45.642), (100, 135.807)):
        assert chi_square_limit(degrees, 2.32635) == pytest.approx(printed, rel=2e-3)


def chi_square(observed: np.ndarray, expected: np.ndarray) -> tuple[float, int]:
    """Pearson's statistic and its degrees of freedom; tokens expected fewer than five times are one class."""
    order = np.argsort(-expected)
    observed, expected = observed[order].astype(float), expected[order]
    rare = expected < 5
    if rare.any():
        observed = np.append(observed[~rare], observed[rare].sum())
        expected = np.append(expected[~rare], expected[rare].sum())
        if expected[-1] < 5:
            observed = np.append(observed[:-2], observed[-2:].sum())
            expected = np.append(expected[:-2], expected[-2:].sum())
    return float(((observed - expected) ** 2 / expected).sum()), len(expected) - 1


# One in a million by chance; the same draws every time, since seeds are fixed.
Z = 4.75


@pytest.mark.parametrize("temperature", [0.25, 0.5, 1.0, 2.0])
def test_sampled_tokens_have_the_float_frequencies(checkpoint: Checkpoint, temperature: float) -> None:
    """100,000 tokens: the first of 100,000 names, whose distribution is one and the same."""
    # States far apart: the first draw from neighbouring small seeds is far from uniform.
    seeds = np.random.default_rng(2026).integers(1, 1 << 32, 100_000)
    steps = replay(checkpoint, precise(MICROGPT), seeds, round(temperature * 256), limit=1)
    observed = np.bincount(steps.token_out, minlength=27)
    model = FloatModel(checkpoint)
    expected = 100_000 * np.array(model.probabilities(model.logits(26, 0, model.new_cache()), temperature))
    statistic, degrees = chi_square(observed, expected)
    assert degrees >= 3
    assert statistic < chi_square_limit(degrees, Z), (statistic, degrees)


def whole_names(checkpoint: Checkpoint, spec: Arithmetic, temperature: float) -> tuple[float, int]:
    """The statistic of 100,000 tokens wherever they stand: counts against the sum of the float probabilities.

    Draws that differ in distribution make it smaller than chi-square, not larger: the covariance of the counts,
    Σ (diag p − p pᵀ), is at most that of as many draws from the mean distribution.
    """
    seeds = np.random.default_rng(7).integers(1, 1 << 32, 24_000)
    steps = replay(checkpoint, spec, seeds, round(temperature * 256))
    assert len(steps) >= 100_000
    inputs = np.full((len(seeds), 16), 26)
    inputs[steps.seed_index, steps.pos] = steps.token_in
    logits = FloatModel(checkpoint).batched_logits(inputs)[steps.seed_index, steps.pos][:100_000]
    return chi_square(
        np.bincount(steps.token_out[:100_000], minlength=27), softmax(logits / temperature).sum(axis=0)
    )


@pytest.mark.parametrize("temperature", [0.25, 0.5, 1.0, 2.0])
def test_tokens_of_whole_names_have_the_float_frequencies(checkpoint: Checkpoint, temperature: float) -> None:
    statistic, degrees = whole_names(checkpoint, precise(MICROGPT), temperature)
    assert degrees >= 15
    assert statistic < chi_square_limit(degrees, Z), (statistic, degrees)


def test_chi_square_catches_the_published_sampler(checkpoint: Checkpoint) -> None:
    statistic, degrees = whole_names(checkpoint, talos_v2(MICROGPT), 0.5)
    assert statistic > 100 * chi_square_limit(degrees, Z)


def test_float_nll_refuses_no_temperature(checkpoint: Checkpoint) -> None:
    with pytest.raises(ValueError, match=r"^temperature must be above 0, not 0$"):
        float_nll(["a"], checkpoint, 0)
