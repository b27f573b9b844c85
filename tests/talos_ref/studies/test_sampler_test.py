"""The sampler of `folded`, tested in short; `python -m talos_ref sampler-test` does it at length."""

from __future__ import annotations

import numpy as np
import pytest

from talos_ref.cli import main
from talos_ref.golden.arithmetic import folded, precise
from talos_ref.golden.arrays import Ints
from talos_ref.golden.gumbel_noise import GumbelNoise
from talos_ref.golden.lane_bits import batched_lane_bits
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import MICROGPT
from talos_ref.studies.chi_square import total
from talos_ref.studies.sampler_test import (
    HIGH,
    LOW,
    SCORE_LIMIT,
    TEMPERATURES,
    context_tests,
    golden_draw,
    lane_correlation,
    seed_tests,
)

SEED = 20261126
NOISE = GumbelNoise()


def noise(rng: Ints) -> Ints:
    return NOISE.batched_compute(batched_lane_bits(rng, 27))


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_letters_of_every_context(checkpoint: Checkpoint, temperature: float) -> None:
    print(f"seed {SEED}")
    draw = golden_draw(checkpoint, folded(MICROGPT))
    found = context_tests(checkpoint, draw, temperature, 40_000, np.random.default_rng(SEED))
    assert len(found) > 15
    assert LOW <= total(found).p <= HIGH, {MICROGPT.decode([k]): v.p for k, v in found.items()}


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_first_letters_of_neighbouring_seeds(checkpoint: Checkpoint, temperature: float) -> None:
    found = seed_tests(checkpoint, golden_draw(checkpoint, folded(MICROGPT)), temperature, 20_000)
    assert all(LOW <= value.p <= HIGH for value in found.values()), {name: value.p for name, value in found.items()}


def test_neighbouring_seeds_without_a_hash_are_found_out(checkpoint: Checkpoint) -> None:
    """`precise` draws with the state itself, which is close to that of the seed before it."""
    found = seed_tests(checkpoint, golden_draw(checkpoint, precise(MICROGPT)), 0.5, 20_000)
    assert min(value.p for value in found.values()) < 1e-6


def test_lanes_are_not_correlated() -> None:
    print(f"seed {SEED}")
    found = lane_correlation(noise, 200_000, np.random.default_rng(SEED))
    assert found.steps >= 200_000
    assert found.worst < SCORE_LIMIT


@pytest.mark.parametrize("weight", [0.03, 0.3])
def test_correlated_lanes_are_found_out(weight: float) -> None:
    def mixed(rng: Ints) -> Ints:
        lanes = noise(rng).astype(np.float64)
        lanes[:, 5] += weight * lanes[:, 20]
        return lanes  # type: ignore[return-value]

    assert lane_correlation(mixed, 100_000, np.random.default_rng(SEED)).worst > SCORE_LIMIT


def test_a_lane_that_repeats_is_found_out() -> None:
    """The noise of lane 3 is that of the step before, but for one in ten."""
    kept: list[Ints] = []

    def repeating(rng: Ints) -> Ints:
        lanes = noise(rng)
        again = np.where(rng % 10 == 0, kept[-1], lanes[:, 3]) if kept else lanes[:, 3]
        kept.append(lanes[:, 3].copy())
        lanes[:, 3] = again
        return lanes

    assert lane_correlation(repeating, 50_000, np.random.default_rng(SEED), length=50).worst > SCORE_LIMIT


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--tokens", "2000", "--repetitions", "2", "--seeds", "2000", "--steps", "2000", "--json"]
    assert main(["sampler-test", *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum('"contexts"' in line for line in lines) == 8
    assert sum('"first letters"' in line for line in lines) == 12
    assert '"lanes"' in lines[-1]
