"""Gumbel noise: the table against the function, its widths, and its exact distribution."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from talos_ref.golden.gumbel_noise import GumbelNoise

NOISE = GumbelNoise()
TAILS = [0, 1, 2, 3, 7, 255, 2**18 - 1, 2**18, 2**31 - 2, 2**31 - 1]


def gumbel(z: int) -> float:
    u = (z + 0.5) / 2**32
    return -math.log(-math.log(u)) if u < 0.5 else -math.log(-math.log1p(-((0xFFFFFFFF - z) + 0.5) / 2**32))


def samples(count: int) -> list[int]:
    """Random bits, of all octaves, with both ends of all."""
    rng = np.random.default_rng(3)
    spread = rng.integers(0, 1 << 32, count) >> rng.integers(0, 32, count)
    lower = [*spread.tolist(), *TAILS]
    return [*lower, *(0xFFFFFFFF - z for z in lower)]


def test_widths() -> None:
    """A line fills a word of a memory block of 512 × 20 bits."""
    bases, rises = zip(*NOISE.lines, strict=True)
    assert len(NOISE.lines) == 512
    assert min(bases) == 0
    assert max(bases) < 1 << NOISE.base_width
    assert min(rises) > 0
    assert max(rises) < 1 << NOISE.rise_width
    assert NOISE.base_width + NOISE.rise_width == 20
    limit = 1 << (NOISE.width - 1)
    assert all(-limit <= NOISE.compute(z) < limit for z in (0, 0xFFFFFFFF))


def test_both_ends() -> None:
    assert NOISE.compute(0) / 4096 == pytest.approx(-math.log(33 * math.log(2)), abs=2e-3)
    assert NOISE.compute(0xFFFFFFFF) / 4096 == pytest.approx(33 * math.log(2), abs=2e-3)


def test_near_the_function() -> None:
    """Within 2^-8 everywhere, where an octave has room for a line."""
    for z in samples(3000):
        assert abs(NOISE.compute(z) / 4096 - gumbel(z)) < 2**-8, hex(z)


def test_rises_with_its_bits() -> None:
    """Up to a unit of rounding where two lines meet and two units of a rise."""
    z = sorted(samples(3000))
    noise = [NOISE.compute(value) for value in z]
    assert all(after >= before - 16 for before, after in pairwise(noise))


def test_the_batched_form() -> None:
    z = samples(1000)
    assert NOISE.batched_compute(np.array(z)).tolist() == [NOISE.compute(value) for value in z]


def test_lines_have_the_mean_of_the_function() -> None:
    """Segment by segment of the frequent octaves: half a unit of rounding, and what is left."""
    for half in (0, 1):
        for e in range(4):
            step = 2 ** (30 - e - 13)
            z = (np.arange(2 ** (30 - e), 2 ** (31 - e), step) + step // 2)[::4]
            z = 0xFFFFFFFF - z if half else z
            error = NOISE.batched_compute(z) - 4096 * np.array([gumbel(value) for value in z.tolist()])
            assert np.abs(error.reshape(8, -1).mean(axis=1)).max() < 0.6, (half, e)


def test_distribution_is_that_of_a_gumbel() -> None:
    least, probabilities = NOISE.distribution
    values = (least + np.arange(len(probabilities))) / 4096
    mean = values @ probabilities
    assert probabilities.sum() == pytest.approx(1, abs=1e-12)
    assert mean == pytest.approx(0.5772156649, abs=1e-4)
    assert values**2 @ probabilities - mean**2 == pytest.approx(math.pi**2 / 6, abs=1e-4)
    cumulative = probabilities.cumsum()
    assert np.abs(cumulative - np.exp(-np.exp(-(values + 0.5 / 4096)))).max() < 2**-10


def test_distribution_counts_all_bits() -> None:
    """In the last octaves every value of z, one by one; elsewhere against ten million of them."""
    least, probabilities = NOISE.distribution
    ends = np.arange(1 << 16)
    for z, noise_range in ((ends, slice(0, None)), (0xFFFFFFFF - ends, slice(0, None))):
        noise = NOISE.batched_compute(z)
        inside = (noise > noise.min()) & (noise < noise.max() - 64) if z[0] == 0 else (noise > noise.min() + 64)
        counts = np.bincount(noise[inside] - least, minlength=len(probabilities))[noise_range]
        seen = counts > 0
        # Noise of the other side of an octave's end may be the same, so a probability is no smaller than its share.
        assert (probabilities[seen] * 2**32 >= counts[seen] - 1e-3).all()
    z = np.random.default_rng(4).integers(0, 1 << 32, 1_000_000)
    observed = np.bincount((NOISE.batched_compute(z) - least) >> 9, minlength=len(probabilities) // 512 + 1)
    expected = np.add.reduceat(probabilities, np.arange(0, len(probabilities), 512)) * len(z)
    used = expected > 20
    statistic = ((observed - expected)[used] ** 2 / expected[used]).sum()
    assert statistic < used.sum() + 5 * math.sqrt(2 * used.sum())
