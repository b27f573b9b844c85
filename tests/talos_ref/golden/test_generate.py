"""The generation loop: what a step holds, how a name ends, and every refusal."""

from __future__ import annotations

import math
from typing import Any

import pytest

from talos_ref.golden.arithmetic import arithmetic, precise, talos_v2
from talos_ref.golden.float_model import FloatModel
from talos_ref.golden.generate import check_temperature, check_tokens, letters, quantise_temperature, steps
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.golden.xorshift32 import xorshift32
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import MICROGPT, ModelConfig


class Scripted:
    """A model that says what is to be drawn, and notes what it is asked."""

    def __init__(self, script: list[int]) -> None:
        self.config = ModelConfig(alphabet="abc", block_size=6)
        self.script = script
        self.greedy_at_zero = True
        self.asked: list[tuple[int, int]] = []
        self.draws: list[tuple[Any, int]] = []

    def new_cache(self) -> None:
        """Return nothing: there is no attention."""

    def logits(self, token: int, position: int, cache: None) -> list[float]:
        """Return logits whose maximum comes twice."""
        self.asked.append((token, position))
        return [0.5, 2.0, 2.0, -1.0]

    def draw(self, logits: Any, temperature: Any, rng: int) -> int:
        """Return the next token of the script."""
        self.draws.append((temperature, rng))
        return self.script[len(self.draws) - 1]


def test_a_name_ends_at_bos() -> None:
    model = Scripted([2, 0, 3, 1])
    found = list(steps(model, seed=7, temperature=0.25))
    assert [(s.pos, s.token_in, s.token_out) for s in found] == [(0, 3, 2), (1, 2, 0), (2, 0, 3)]
    assert model.asked == [(3, 0), (2, 1), (0, 2)]
    rng = [xorshift32(7)]
    rng += [xorshift32(rng[0])]
    rng += [xorshift32(rng[1])]
    assert model.draws == [(0.25, state) for state in rng]
    assert [s.rng for s in found] == rng
    assert {(s.argmax, s.top_logit) for s in found} == {(1, 2.0)}


def test_a_name_ends_at_the_limit() -> None:
    assert letters(Scripted([0] * 9), seed=1, temperature=1.0) == [0] * 5
    assert letters(Scripted([0] * 9), seed=1, temperature=1.0, limit=2) == [0, 0]
    assert letters(Scripted([3]), seed=1, temperature=1.0) == []


def test_greedy_leaves_the_random_state_alone() -> None:
    cases: list[dict[str, Any]] = [{"temperature": 1.0, "greedy": True}, {"temperature": 0.0}]
    for options in cases:
        model = Scripted([])
        found = list(steps(model, seed=9, **options))
        assert [s.token_out for s in found] == [1] * 5
        assert {s.rng for s in found} == {9}
        assert not model.draws


def test_temperature_zero_is_a_bucket_of_talos_v2(checkpoint: Checkpoint) -> None:
    model = IntegerModel(checkpoint, talos_v2(MICROGPT))
    assert list(steps(model, seed=2, temperature=0)) == list(steps(model, seed=2, temperature=0x80))


@pytest.mark.parametrize("name", ["precise", "float"])
def test_temperature_zero_is_greedy(checkpoint: Checkpoint, name: str) -> None:
    model: Any = FloatModel(checkpoint) if name == "float" else IntegerModel(checkpoint, precise(MICROGPT))
    assert list(steps(model, seed=2, temperature=0)) == list(steps(model, seed=2, temperature=1, greedy=True))


def test_forced_tokens_are_the_inputs() -> None:
    model = Scripted([0, 3, 1, 2, 0, 3])
    found = list(steps(model, seed=1, temperature=1.0, forced=[1, 1, 2, 3, 0, 2]))
    assert [s.token_in for s in found] == [1, 1, 2, 3, 0, 2]
    assert [s.token_out for s in found] == [0, 3, 1, 2, 0, 3]


def test_json_fields() -> None:
    (step,) = steps(Scripted([3]), seed=1, temperature=1.0)
    assert step.to_json() == {
        "pos": 0, "token_in": 3, "token_out": 3, "argmax": 1, "rng": 270369, "top_logit": 2.0,
        "logits": (0.5, 2.0, 2.0, -1.0),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"seed": 0}, ValueError, r"seed must be 1 to 4294967295 \(xorshift32 never leaves state 0\), not 0"),
        ({"seed": 1.0}, TypeError, r"seed must be an integer, not 1\.0"),
        ({"limit": 0}, ValueError, "limit must be 1 to 5 letters, not 0"),
        ({"limit": 6}, ValueError, "limit must be 1 to 5 letters, not 6"),
        ({"limit": True}, TypeError, "limit must be an integer, not True"),
        ({"forced": []}, ValueError, "tokens must number 1 to 6, not 0"),
        ({"forced": [0] * 7}, ValueError, "tokens must number 1 to 6, not 7"),
        ({"forced": [4]}, ValueError, "token must be 0 to 3, not 4"),
        ({"forced": [-1]}, ValueError, "token must be 0 to 3, not -1"),
        ({"forced": ["a"]}, TypeError, "token must be an integer, not 'a'"),
    ],
)
def test_refusals(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{message}$"):
        list(steps(Scripted([3]), **{"seed": 1, "temperature": 1.0} | options))


def test_tokens_are_checked_once() -> None:
    assert check_tokens([26, 0], MICROGPT) == (26, 0)


def test_quantised_temperatures_of_precise() -> None:
    for temperature, expected in ((0.0625, 16), (0.5, 128), (1, 256), (16, 4096), (0.3, 77), (0, 0)):
        assert quantise_temperature(temperature, precise(MICROGPT).sampler) == expected


def test_every_representable_temperature_is_taken_as_it_is() -> None:
    for value in range(0x10, 0x1001):
        assert quantise_temperature(value / 256, precise(MICROGPT).sampler) == value


@pytest.mark.parametrize(
    ("name", "temperature", "message"),
    [
        ("precise", 0.001, r"temperature must be 0 \(greedy\) or 0\.0625 to 16, not 0\.001"),
        ("precise", 0.06, r"temperature must be 0 \(greedy\) or 0\.0625 to 16, not 0\.06"),
        ("precise", 16.01, r"temperature must be 0 \(greedy\) or 0\.0625 to 16, not 16\.01"),
        ("talos-v2", 256, r"temperature must be 0 to 255\.996, not 256"),
        ("talos-v2", -0.5, r"temperature must be finite and 0 or more, not -0\.5"),
        ("precise", math.nan, "temperature must be finite and 0 or more, not nan"),
        ("precise", math.inf, "temperature must be finite and 0 or more, not inf"),
    ],
)
def test_refused_temperatures(name: str, temperature: float, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        quantise_temperature(temperature, arithmetic(name, MICROGPT).sampler)


def test_refused_kinds_of_temperature() -> None:
    for kind in ("1", None, True):
        with pytest.raises(TypeError, match=rf"^temperature must be a number, not {kind!r}$"):
            check_temperature(kind)  # type: ignore[arg-type]
