"""Tests of a sampler's randomness: sampled letters against the float model, neighbouring seeds, lanes of noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from talos_ref.golden.arrays import Ints
from talos_ref.golden.batched import replay
from talos_ref.golden.datapath import Arithmetic
from talos_ref.golden.float_model import FloatModel
from talos_ref.golden.xorshift32 import batched_xorshift32
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.studies.chi_square import ChiSquare, by_context, pair_chi_square, pearson, total

__all__ = [
    "HIGH",
    "LOW",
    "SCORE_LIMIT",
    "TEMPERATURES",
    "Draw",
    "Finding",
    "LaneCorrelation",
    "context_tests",
    "findings",
    "golden_draw",
    "lane_correlation",
    "seed_tests",
]

TEMPERATURES = (0.25, 0.5, 1.0, 2.0)
LOW, HIGH = 0.001, 0.999
"""Between which a p-value may lie."""
SCORE_LIMIT = 4.0
"""Standard errors that a correlation stays below."""
CHUNK = 1 << 15
"""States whose noise is made at once."""

Draw = Callable[[Ints, float], Ints]
"""Seeds [name] and a temperature -> names [name, block_size]: letters, then BOS to the end of a row."""


def golden_draw(checkpoint: Checkpoint, arithmetic: Arithmetic) -> Draw:
    """Return the golden model as a source of names."""
    config = checkpoint.config

    def draw(seeds: Ints, temperature: float) -> Ints:
        steps = replay(checkpoint, arithmetic, seeds, round(temperature * 256))
        rows = np.full((len(seeds), config.block_size), config.bos)
        rows[steps.seed_index, steps.pos] = steps.token_out
        return rows

    return draw


def _steps(rows: Ints, bos: int) -> int:
    """Return how many tokens were drawn for names."""
    letters = (rows != bos).sum(axis=1)
    return int(np.minimum(letters + 1, rows.shape[1] - 1).sum())


def context_tests(
    checkpoint: Checkpoint, draw: Draw, temperature: float, tokens: int, rng: np.random.Generator
) -> dict[int, ChiSquare]:
    """Return input token -> statistic, over at least ``tokens`` draws from random seeds; BOS is the first letter."""
    config = checkpoint.config
    batches: list[Ints] = []
    missing = tokens
    while missing > 0:
        # A name has one draw at least.
        batches.append(draw(rng.integers(1, 1 << 32, max(missing // 4, 1)), temperature))
        missing -= _steps(batches[-1], config.bos)
    rows = np.concatenate(batches)
    return by_context(rows, FloatModel(checkpoint).batched_logits, temperature, config)


def seed_tests(checkpoint: Checkpoint, draw: Draw, temperature: float, seeds: int) -> dict[str, ChiSquare]:
    """Return the statistics of first letters of the seeds 1, 2, 3, …, and of the pairs (seed, seed + 1)."""
    model = FloatModel(checkpoint)
    probabilities = np.array(model.probabilities(model.logits(model.config.bos, 0, model.new_cache()), temperature))
    first = draw(np.arange(1, seeds + 1), temperature)[:, 0]
    return {
        "seeds": pearson(first, probabilities),
        "odd pairs": pair_chi_square(first, probabilities),
        "even pairs": pair_chi_square(first[1:], probabilities),
    }


@dataclass(frozen=True, kw_only=True)
class LaneCorrelation:
    """Correlations of noise, in standard errors."""

    steps: int
    lanes: npt.NDArray[np.float64]
    """[lane, lane], both at one step; the diagonal is 0."""
    following: npt.NDArray[np.float64]
    """[lane, lane], the second one step later."""

    @property
    def worst(self) -> float:
        """Largest magnitude over pairs of lanes, and over each lane at consecutive steps."""
        return float(max(np.abs(self.lanes).max(), np.abs(np.diag(self.following)).max()))


def _noises(noise: Callable[[Ints], Ints], rng: Ints, length: int) -> Iterator[tuple[Ints, Ints]]:
    """Yield the noise [state, lane] of every step and of the one after it."""
    before = noise(rng)
    for _ in range(length):
        rng = batched_xorshift32(rng)
        after = noise(rng)
        yield before, after
        before = after


def lane_correlation(
    noise: Callable[[Ints], Ints], steps: int, rng: np.random.Generator, length: int = 16
) -> LaneCorrelation:
    """Return the correlations of ``noise``, states [name] -> [name, lane], over names of ``length`` steps."""
    sums: list[npt.NDArray[np.float64]] = []
    taken = 0
    while taken < steps:
        names = min(CHUNK, -(-(steps - taken) // length))
        for before, after in _noises(noise, rng.integers(1, 1 << 32, names), length):
            both = np.concatenate([before, after], axis=1).astype(np.float64)
            parts = [both.sum(axis=0), both.T @ both]
            sums = [a + b for a, b in zip(sums, parts, strict=True)] if sums else parts
        taken += names * length
    mean, square = (part / taken for part in sums)
    covariance = square - np.outer(mean, mean)
    deviation = np.sqrt(np.diag(covariance))
    scores = covariance / np.outer(deviation, deviation) * np.sqrt(taken)
    half = len(mean) // 2
    same = scores[:half, :half]
    return LaneCorrelation(steps=taken, lanes=same - np.diag(np.diag(same)), following=scores[:half, half:])


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One test of a sampler, and whether it passed."""

    test: str
    subject: str
    value: float
    """A p-value, or a correlation in standard errors."""
    passed: bool
    size: int
    """Draws or steps that it rests on, at least."""


def _p_finding(test: str, subject: str, found: ChiSquare, size: int) -> Finding:
    return Finding(test=test, subject=subject, value=found.p, passed=LOW <= found.p <= HIGH, size=size)


def findings(
    checkpoint: Checkpoint,
    draw: Draw,
    noise: Callable[[Ints], Ints],
    *,
    tokens: int,
    repetitions: int,
    seeds: int,
    steps: int,
    seed: int,
) -> Iterator[Finding]:
    """Yield all tests: repetitions over all contexts, contexts over all repetitions, first letters of seeds, lanes.

    Contexts and repetitions are independent, so that their statistics add up to a chi-square; a context without a
    degree of freedom (one letter takes nearly all draws) tells nothing and is left out.
    """
    config = checkpoint.config
    for temperature in TEMPERATURES:
        rng = np.random.default_rng([seed, round(256 * temperature)])
        runs = [context_tests(checkpoint, draw, temperature, tokens, rng) for _ in range(repetitions)]
        for number, run in enumerate(runs, 1):
            yield _p_finding("contexts", f"T {temperature:g}, repetition {number}", total(run), tokens)
        for context in sorted({context for run in runs for context in run}):
            over_all = total({number: run[context] for number, run in enumerate(runs) if context in run})
            if over_all.degrees:
                where = f"after {config.decode([context])}" if context != config.bos else "first letter"
                yield _p_finding("context", f"T {temperature:g}, {where}", over_all, tokens * repetitions)
        for name, found in seed_tests(checkpoint, draw, temperature, seeds).items():
            yield _p_finding("first letters", f"T {temperature:g}, {name}", found, seeds)
    worst = lane_correlation(noise, steps, np.random.default_rng(seed)).worst
    yield Finding(test="lanes", subject="correlation", value=worst, passed=worst < SCORE_LIMIT, size=steps)
