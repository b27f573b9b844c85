"""The last two steps: the circuit's own model, its gradients, its optimisers, and what folding its gains gives."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from talos_ref.cli import main
from talos_ref.golden.float_model import FloatModel
from talos_ref.model.checkpoint import Checkpoint, save
from talos_ref.model.config import MICROGPT, ModelConfig
from talos_ref.model.train import loss_and_gradients
from talos_ref.studies.ladder import four_heads, one_head
from talos_ref.studies.ladder.four_heads import Adam, folded, split
from talos_ref.studies.ladder.functions import cross_entropy
from talos_ref.studies.ladder.gpt import GAINS, Parameters, forward
from talos_ref.studies.ladder.stream import random_windows, stream_of
from talos_ref.studies.ladder.study import LADDER, check_enough, checkpoint_of, climb
from talos_ref.studies.ladder.tensor import Tensor
from talos_ref.studies.ladder.trained import Trained
from talos_ref.studies.nll import mean_nll, padded_tokens

LIST = 3000
"""Names that the short trainings learn from."""


def parameters_of(checkpoint: Checkpoint) -> Parameters:
    return {name: Tensor(tensor.astype(np.float64)) for name, tensor in checkpoint.tensors.items()}


def with_gains(checkpoint: Checkpoint) -> Parameters:
    rng = np.random.default_rng(4)
    return parameters_of(checkpoint) | {gain: Tensor(rng.normal(1, 0.3, 16)) for gain in GAINS}


def test_without_gains_it_is_the_float_model(checkpoint: Checkpoint) -> None:
    tokens = np.random.default_rng(9).integers(0, 27, (6, 16))
    found = forward(parameters_of(checkpoint), tokens, MICROGPT).value
    assert np.abs(found - FloatModel(checkpoint).batched_logits(tokens)).max() < 1e-12


def test_gradients_are_those_derived_by_hand(checkpoint: Checkpoint) -> None:
    p, tokens = parameters_of(checkpoint), [26, 12, 0, 17, 8, 0, 26]
    loss = cross_entropy(forward(p, np.array([tokens[:-1]]), MICROGPT), np.array([tokens[1:]]))
    loss.backward()
    expected_loss, expected = loss_and_gradients({name: t.value for name, t in p.items()}, tokens, MICROGPT)
    assert float(loss.value) == pytest.approx(expected_loss, abs=1e-12)
    for name, gradient in expected.items():
        assert np.abs(p[name].gradient - gradient).max() < 1e-12, name


@pytest.mark.parametrize("gain", GAINS)
def test_gradients_of_gains(checkpoint: Checkpoint, gain: str) -> None:
    p, tokens = with_gains(checkpoint), np.array([[26, 12, 0, 17], [8, 0, 26, 3]])

    def loss() -> Tensor:
        return cross_entropy(forward(p, tokens[:, :-1], MICROGPT), tokens[:, 1:])

    loss().backward()
    found = p[gain].gradient
    for at in range(16):
        losses = []
        for step in (1e-5, -1e-5):
            p[gain].value[at] += step
            losses.append(float(loss().value))
            p[gain].value[at] -= step
        assert found[at] == pytest.approx((losses[0] - losses[1]) / 2e-5, abs=1e-8)


def test_folding_changes_no_logit(checkpoint: Checkpoint, names: list[str]) -> None:
    p = with_gains(checkpoint)
    plain = {name: Tensor(value) for name, value in folded(p).items()}
    assert set(plain) == set(MICROGPT.shapes())
    before, after = (
        mean_nll(names[:200], MICROGPT, lambda tokens, p=p: forward(p, tokens, MICROGPT).value)  # type: ignore[misc]
        for p in (p, plain)
    )
    assert before == pytest.approx(after, abs=1e-12)
    p[next(iter(GAINS))].value[3] += 0.1
    changed = mean_nll(names[:200], MICROGPT, lambda tokens: forward(p, tokens, MICROGPT).value)
    assert abs(changed - before) > 1e-6


def test_split(names: list[str]) -> None:
    learnt, kept_back = split(names, np.random.default_rng(42))
    assert (len(learnt), len(kept_back)) == (26544, 2950)
    assert len(learnt) + len(kept_back) == len({*learnt, *kept_back}) == 29494
    assert {*learnt, *kept_back} == set(names)


def test_adam_in_plain_numbers() -> None:
    x = Tensor(np.array([1.0, -2.0]))
    adam = Adam({"x": x})
    expected = [1.0, -2.0]
    first, second = [0.0, 0.0], [0.0, 0.0]
    for step, gradient in enumerate(([0.5, -1e-3], [0.25, 4.0], [-3.0, 0.0]), 1):
        x.gradient = np.array(gradient)
        adam.step(0.1 * step)
        for at, g in enumerate(gradient):
            first[at] = 0.9 * first[at] + 0.1 * g
            second[at] = 0.999 * second[at] + 0.001 * g * g
            root = math.sqrt(second[at] / (1 - 0.999**step)) + 1e-8
            expected[at] -= 0.1 * step * first[at] / (1 - 0.9**step) / root
        assert x.value == pytest.approx(expected, abs=1e-12)


def test_one_step_of_descent(names: list[str]) -> None:
    """A step of 0.05 along the gradient, from the windows of the first batch."""
    words, config = names[:LIST], ModelConfig(n_head=1)
    losses: list[float] = []
    trained = one_head.train(words, MICROGPT, lambda _, loss: losses.append(loss), 1)
    rng = np.random.default_rng(42)
    stream = stream_of(rng.permutation(words).tolist(), config)
    p = {name: t.value for name, t in one_head.first_parameters(config, rng).items()}
    tokens, wanted = random_windows(stream, 16, rng)
    gradients = {name: np.zeros_like(value) for name, value in p.items()}
    total = 0.0
    for row, last in zip(tokens.tolist(), wanted[:, -1].tolist(), strict=True):
        loss, found = loss_and_gradients(p, [*row, last], config)
        total += loss
        for name, gradient in found.items():
            gradients[name] += gradient / len(tokens)
    assert losses == [pytest.approx(total / len(tokens), abs=1e-12)]
    # One step is the first 70 % of one.
    after = {name: (value - 0.05 * gradients[name]).astype(np.float32) for name, value in p.items()}
    logits = FloatModel(Checkpoint(config, after)).batched_logits(np.array([[26, 4, 12]]))[0, -1]
    assert np.asarray(trained.next_logits([26, 4, 12])) == pytest.approx(logits, abs=1e-5)
    assert trained.parameters == 4192


def test_a_short_descent(names: list[str]) -> None:
    trained = one_head.train(names[:LIST], MICROGPT, lambda *_: None, 60)
    assert trained.nll == pytest.approx(2.5977, abs=2e-4)
    assert (trained.validation_nll, trained.checkpoint) == (None, None)


@pytest.fixture(scope="module")
def short(names: list[str]) -> Trained:
    return four_heads.train(names[:LIST], MICROGPT, lambda *_: None, 120)


def checkpoint_in(trained: Trained) -> Checkpoint:
    assert trained.checkpoint is not None
    return trained.checkpoint


def test_a_short_training(short: Trained) -> None:
    assert [short.nll, short.validation_nll] == pytest.approx([2.4845, 2.5248], abs=2e-4)
    assert short.parameters == 4192 + 48


def test_the_checkpoint_is_the_model(short: Trained, names: list[str]) -> None:
    config, inputs = MICROGPT, padded_tokens(names[:1], MICROGPT)[0]
    float_logits = FloatModel(checkpoint_in(short)).batched_logits(inputs)[0]
    for count in range(1, 6):
        assert np.asarray(short.next_logits(inputs[0, :count].tolist())) == pytest.approx(
            float_logits[count - 1], abs=1e-5
        )
    assert checkpoint_in(short).config == config


def test_every_command_takes_the_checkpoint(
    short: Trained, names: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: object) -> list[Any]:
        assert main([*map(str, arguments), "--json"]) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    weights, words = save(checkpoint_in(short), tmp_path / "ladder.npz"), tmp_path / "words.txt"
    words.write_text("\n".join(names[:300]))
    exact, fixed = (
        run("nll", "--arithmetic", name, "--weights", weights, "--names", words)[0]["nll"]
        for name in ("float", "precise")
    )
    assert exact == pytest.approx(
        mean_nll(names[:300], MICROGPT, FloatModel(checkpoint_in(short)).batched_logits), abs=1e-12
    )
    assert 0 < abs(fixed - exact) < 1e-3
    assert len(run("generate", "--weights", weights, "--count", 3)) == 3
    assert run("trace", "--weights", weights)[0]["pos"] == 0


def test_what_is_measured_of_a_step(names: list[str]) -> None:
    step = LADDER[-1]
    result = climb(type(step)(step.model, step.train, 30), names[:LIST], MICROGPT, lambda *_: None)
    assert json.loads(json.dumps(result)) == result
    checkpoint = checkpoint_of(result["tensors"], MICROGPT)
    assert result["circuit"]["digest"] == checkpoint.digest
    exact = mean_nll(names[:LIST:2], MICROGPT, FloatModel(checkpoint).batched_logits)
    assert result["circuit"]["nll_float"] == pytest.approx(exact, abs=1e-12)
    assert 0 < abs(result["circuit"]["nll_fixed"] - exact) < 1e-3
    assert len(result["samples"]) == 5


def test_words_that_are_just_enough() -> None:
    """Ten words, of which the one that is kept back has 15 letters and an end."""
    config = ModelConfig(alphabet="abcdefghij")
    words = [letter * 15 for letter in config.alphabet]
    check_enough(words, config)
    four_heads.train(words, config, lambda *_: None, 1)
    with pytest.raises(ValueError, match=r"^words must be so many that a tenth of them has 16 letters and ends; "):
        check_enough([word[:14] for word in words], config)
