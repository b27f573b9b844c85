"""talos-v2 is the published RTL: every recorded step, through every door of the golden model."""

from __future__ import annotations

import json
from itertools import groupby

import pytest

from talos_ref.cli import main
from talos_ref.golden.arithmetic import talos_v2
from talos_ref.golden.batched import batched_logits, replay
from talos_ref.golden.generate import Step, letters, steps
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.model.checkpoint import Checkpoint
from tests.helpers.golden_vectors import RecordedName, assert_steps, recorded_names


@pytest.fixture(scope="module")
def model(checkpoint: Checkpoint) -> IntegerModel:
    return IntegerModel(checkpoint, talos_v2(checkpoint.config))


def label(name: RecordedName) -> str:
    return f"seed {name.seed} at {name.temperature}/256"


def test_recording_is_whole() -> None:
    recorded = recorded_names()
    assert len(recorded) == 69
    assert sum(len(name.steps) for name in recorded) == 481
    assert {name.seed for name in recorded} == set(range(2, 25))
    assert {name.temperature for name in recorded} == {128, 256, 512}


def test_published_check(model: IntegerModel) -> None:
    assert letters(model, seed=2, temperature=128) == [10, 4, 11, 24, 13]
    assert [step.token_out for step in steps(model, seed=2, temperature=128)] == [10, 4, 11, 24, 13, 26]


def test_every_recorded_step(model: IntegerModel) -> None:
    for name in recorded_names():
        assert_steps(steps(model, seed=name.seed, temperature=name.temperature), name.steps, label(name))


def test_every_recorded_step_with_forced_tokens(model: IntegerModel) -> None:
    for name in recorded_names():
        forced = [step.token_in for step in name.steps]
        actual = steps(model, seed=name.seed, temperature=name.temperature, forced=forced)
        assert_steps(actual, name.steps, label(name))


@pytest.mark.parametrize("temperature", [128, 256, 512])
def test_every_recorded_step_in_a_batch(checkpoint: Checkpoint, model: IntegerModel, temperature: int) -> None:
    recorded = [name for name in recorded_names() if name.temperature == temperature]
    batch = replay(checkpoint, model.arithmetic, [name.seed for name in recorded], temperature)
    rows = groupby(range(len(batch)), key=lambda row: int(batch.seed_index[row]))
    for name, (_, indices) in zip(recorded, rows, strict=True):
        assert_steps(map(batch.step, indices), name.steps, label(name))
    for name in recorded:
        logits = batched_logits(model, [[step.token_in for step in name.steps]])[0]
        assert logits.tolist() == [list(step.logits) for step in name.steps], label(name)


def test_every_recorded_step_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    for name in recorded_names():
        options = ["--arithmetic", "talos-v2", "--seed", str(name.seed), "--temperature", str(name.temperature / 256)]
        assert main(["trace", "--json", *options]) == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert_steps((Step(**line | {"logits": tuple(line["logits"])}) for line in lines), name.steps, label(name))
