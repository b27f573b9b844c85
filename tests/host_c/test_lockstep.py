"""The C library in lock step with the golden models over a million steps: logits, tokens and random states."""

from __future__ import annotations

from dataclasses import fields
from itertools import groupby

import numpy as np
import pytest

from host_c import Model, kernels
from host_c.binding.trace import trace
from talos_ref.golden.batched import BatchedSteps, replay
from talos_ref.golden.float_model import FloatModel
from talos_ref.model.checkpoint import Checkpoint
from tests.helpers.golden_vectors import assert_steps, recorded_names

FIRST_SEED = 0x9E3779B1
"""Seeds are odd multiples of it, modulo 2^32."""


def seeds_from(first: int, count: int) -> list[int]:
    return [FIRST_SEED * (2 * index + 1) % (1 << 32) for index in range(first, first + count)]


def first_difference(seeds: list[int], actual: BatchedSteps, expected: BatchedSteps) -> str | None:
    """Return seed, step, field, index, expected and actual of the first difference, or None."""
    length = min(len(actual), len(expected))
    found: list[tuple[int, str]] = []
    for field in fields(BatchedSteps):
        got, wanted = getattr(actual, field.name)[:length], getattr(expected, field.name)[:length]
        places = np.argwhere(got != wanted)
        if len(places):
            at = tuple(places[0].tolist())
            found.append((at[0], f"{field.name}{list(at[1:])} must be {wanted[at]}, not {got[at]}"))
    if not found and len(actual) == len(expected):
        return None
    row, what = min(found, default=(length - 1, f"{len(expected)} steps must be taken, not {len(actual)}"))
    return f"seed {seeds[int(expected.seed_index[row])]}: step {int(expected.pos[row])}: {what}"


def assert_lockstep(
    checkpoint: Checkpoint, models: list[Model], wanted: int, chunk: int, temperatures: list[int]
) -> None:
    """Take at least ``wanted`` steps and compare each of them in every model with Python."""
    arithmetic, taken, first = models[0].arithmetic, 0, 0
    while taken < wanted:
        temperature = temperatures[first // chunk % len(temperatures)]
        seeds = seeds_from(first, chunk)
        expected = replay(checkpoint, arithmetic, seeds, temperature)
        for model in models:
            difference = first_difference(seeds, trace(model, seeds, temperature / 256), expected)
            assert difference is None, f"{arithmetic} {model.kernel}, temperature {temperature}/256: {difference}"
        taken += len(expected)
        first += chunk
    print(f"{arithmetic}: {taken:,} steps of {[model.kernel for model in models]} equal Python's")


@pytest.mark.parametrize("name", ["precise", "folded"])
def test_ours_for_a_million_steps(checkpoint: Checkpoint, name: str) -> None:
    models = [Model(checkpoint, name, kernel) for kernel in kernels(name)]
    assert_lockstep(checkpoint, models, 1_000_000, 10_000, [128, 128, 256, 16, 181, 128, 512, 64, 128, 0, 4096])


def test_talos_v2_for_many_steps(checkpoint: Checkpoint) -> None:
    models = [Model(checkpoint, "talos-v2", kernel) for kernel in kernels("talos-v2")]
    assert_lockstep(checkpoint, models, 200_000, 10_000, [128, 256, 512, 200])


@pytest.mark.parametrize("temperature", [128, 256, 512])
def test_talos_v2_takes_every_recorded_step(checkpoint: Checkpoint, temperature: int) -> None:
    recorded = [name for name in recorded_names() if name.temperature == temperature]
    steps = trace(Model(checkpoint, "talos-v2"), [name.seed for name in recorded], temperature / 256)
    rows = groupby(range(len(steps)), key=lambda row: int(steps.seed_index[row]))
    for name, (_, indices) in zip(recorded, rows, strict=True):
        assert_steps(map(steps.step, indices), name.steps, f"seed {name.seed} at {temperature}/256")


def test_a_difference_is_named(checkpoint: Checkpoint) -> None:
    model, seeds = Model(checkpoint, "precise"), seeds_from(0, 50)
    expected = replay(checkpoint, "precise", seeds, 128)
    wrong = trace(model, seeds, 0.5)
    assert first_difference(seeds, wrong, expected) is None
    wrong.logits[17, 3] += 1
    row = wrong.step(17)
    where = f"seed {seeds[int(wrong.seed_index[17])]}: step {row.pos}: "
    assert (
        first_difference(seeds, wrong, expected) == f"{where}logits[3] must be {row.logits[3] - 1}, not {row.logits[3]}"
    )
    shorter = trace(model, seeds[:-1], 0.5)
    difference = first_difference(seeds, shorter, expected)
    assert difference is not None
    assert f"{len(expected)} steps must be taken, not {len(shorter)}" in difference


@pytest.mark.parametrize("limit", [1, 3, 15])
def test_a_limit_cuts_names(checkpoint: Checkpoint, limit: int) -> None:
    seeds = seeds_from(7, 300)
    steps = trace(Model(checkpoint, "precise"), seeds, 1.0, limit)
    assert first_difference(seeds, steps, replay(checkpoint, "precise", seeds, 256, limit=limit)) is None


def test_bad_arguments_are_refused(checkpoint: Checkpoint) -> None:
    model = Model(checkpoint, "precise")
    for limit in (0, 16):
        with pytest.raises(ValueError, match=f"limit must be 1 to 15, not {limit}"):
            trace(model, [1], 0.5, limit)
    with pytest.raises(ValueError, match="seeds must hold at least one seed"):
        trace(model, [], 0.5)
    with pytest.raises(ValueError, match="seed must be 1 to 4294967295, not 0"):
        trace(model, [1, 0], 0.5)


@pytest.mark.parametrize("kernel", kernels("float"))
def test_float_letters_differ_only_where_probabilities_meet(checkpoint: Checkpoint, kernel: str) -> None:
    """Each drawn letter against the float model's on the same letters before it and the same random state."""
    reference, margin, taken, differing = FloatModel(checkpoint), 2e-6, 0, list[str]()
    for first in range(0, 40_000, 10_000):
        seeds = seeds_from(first, 10_000)
        steps = trace(Model(checkpoint, "float", kernel), seeds, 0.5)
        inputs = np.full((len(seeds), checkpoint.config.max_letters), checkpoint.config.bos)
        inputs[steps.seed_index, steps.pos] = steps.token_in
        logits = reference.batched_logits(inputs)[steps.seed_index, steps.pos] / 0.5
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        sums = weights.cumsum(axis=1) / weights.sum(axis=1, keepdims=True)
        threshold = (steps.rng & 0xFFFFFF)[:, None] / (1 << 24)
        drawn = (sums <= threshold).sum(axis=1)
        taken += len(steps)
        for row in np.flatnonzero(drawn != steps.token_out).tolist():
            distance = float(np.abs(sums[row] - threshold[row]).min())
            at = f"seed {seeds[int(steps.seed_index[row])]} step {steps.pos[row]}: {distance:.1e} from the cut"
            assert distance <= margin, f"{kernel} {at}, drew {steps.token_out[row]}, not {drawn[row]}"
            differing.append(at)
    print(f"{kernel}: {len(differing)} of {taken:,} letters differ from the float model's: {differing}")
    assert taken > 200_000
    assert len(differing) <= taken // 50_000
