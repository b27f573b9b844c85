"""Chi-square by context: its distribution where draws are right, and its size where they are not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from talos_ref.golden.float_model import FloatModel
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.studies.chi_square import ChiSquare, by_context, pair_chi_square, pearson, total


@pytest.mark.parametrize(("statistic", "degrees", "p"), [(23.209, 10, 0.01), (45.642, 26, 0.01), (25.336, 26, 0.5)])
def test_p_values_of_the_tables(statistic: float, degrees: int, p: float) -> None:
    assert ChiSquare(statistic=statistic, degrees=degrees).p == pytest.approx(p, rel=0.02)


def test_pearson_by_hand() -> None:
    """Three tokens with 60, 30 and 10 draws where 50, 40 and 10 are expected: 100/50 + 100/40."""
    tokens = np.repeat([0, 1, 2], [60, 30, 10])
    found = pearson(tokens, np.array([0.5, 0.4, 0.1]))
    assert found.statistic == pytest.approx(4.5)
    assert found.degrees == 2


def test_rare_tokens_are_one_class() -> None:
    """Expected 90, 6, 2, 2: the two rare ones are less than five together and join the third."""
    found = pearson(np.repeat([0, 1, 2], [85, 10, 5]), np.array([0.9, 0.06, 0.02, 0.02]))
    assert found.degrees == 1
    assert found.statistic == pytest.approx(25 / 90 + 25 / 10)
    assert pearson(np.zeros(10, dtype=np.int64), np.array([0.99, 0.01])) == ChiSquare(statistic=0.0, degrees=0)
    assert ChiSquare(statistic=0.0, degrees=0).p == 1


def test_pairs() -> None:
    """Tokens that alternate are well distributed one by one, and not in pairs."""
    tokens, even = np.tile([0, 1], 500), np.array([0.5, 0.5])
    assert pearson(tokens, even).p == pytest.approx(1, abs=0.2)
    assert pair_chi_square(tokens, even).p < 1e-9


def drawn(checkpoint: Checkpoint, count: int, temperature: float, seed: int) -> np.ndarray:
    """Names of the float model by inverse transform of NumPy's numbers, three letters at most of each counted."""
    model, config, rng = FloatModel(checkpoint), checkpoint.config, np.random.default_rng(seed)
    rows = np.full((count, config.block_size), config.bos)
    inputs = np.full((count, config.block_size), config.bos)
    going = np.ones(count, dtype=bool)
    for position in range(config.max_letters):
        logits = model.batched_logits(inputs[:, : position + 1])[:, position] / temperature
        weights = np.exp(logits - logits.max(axis=1, keepdims=True)).cumsum(axis=1)
        token = (weights <= rng.random(count)[:, None] * weights[:, -1:]).sum(axis=1)
        rows[going, position] = token[going]
        going &= token != config.bos
        inputs[:, position + 1] = rows[:, position]
    return rows


def test_right_draws_are_a_chi_square(checkpoint: Checkpoint) -> None:
    """Twelve repetitions: their sum, and their scatter, are those of its degrees of freedom."""
    logits = FloatModel(checkpoint).batched_logits
    runs = [total(by_context(drawn(checkpoint, 500, 1.0, seed), logits, 1.0, checkpoint.config)) for seed in range(12)]
    z = [(run.statistic - run.degrees) / math.sqrt(2 * run.degrees) for run in runs]
    assert abs(sum(z)) < 4 * math.sqrt(len(z))
    assert 0.3 < np.std(z) < 2


def test_another_temperature_is_found(checkpoint: Checkpoint) -> None:
    logits = FloatModel(checkpoint).batched_logits
    found = total(by_context(drawn(checkpoint, 2000, 0.85, 1), logits, 1.0, checkpoint.config))
    assert found.p < 1e-6
