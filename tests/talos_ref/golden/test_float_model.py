"""The float reference gives the published names and likelihood, and its two forms agree."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import numpy as np
import pytest

from talos_ref.golden.float_model import FloatModel, names_by_choices
from talos_ref.golden.xorshift32 import xorshift32
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import MICROGPT
from talos_ref.model.train import initialise
from talos_ref.studies.nll import evaluate, mean_nll, padded_tokens


@pytest.fixture(scope="module")
def model(checkpoint: Checkpoint) -> FloatModel:
    return FloatModel(checkpoint)


def texts(model: FloatModel, rng: random.Random, count: int, temperature: float = 0.5) -> str:
    return ", ".join(model.config.decode(name) for name in names_by_choices(model, rng, temperature, count))


def test_published_names_of_a_fresh_generator(model: FloatModel) -> None:
    expected = "kana, keelan, alilan, ariel, cairi, mayan, kenia, akalen, danyli, man"
    assert texts(model, random.Random(42), 10) == expected


def test_published_names_of_the_generator_that_trained(model: FloatModel, names: list[str]) -> None:
    _, _, rng = initialise(names, MICROGPT)
    assert texts(model, rng, 10) == "kamon, ann, karai, jaire, vialan, karia, yeran, anna, areli, kaina"


def test_published_names_of_xorshift32_carried_on(model: FloatModel) -> None:
    rng, found = 2, []
    for _ in range(5):
        cache, token, name = model.new_cache(), MICROGPT.bos, list[int]()
        while len(name) < MICROGPT.max_letters:
            rng = xorshift32(rng)
            token = model.draw(model.logits(token, len(name), cache), 0.5, rng)
            if token == MICROGPT.bos:
                break
            name.append(token)
        found.append(MICROGPT.decode(name))
    assert found == ["aarin", "anana", "alana", "jayx", "javian"]


def test_published_likelihood(model: FloatModel, names: list[str]) -> None:
    quality = evaluate(names[:500], MICROGPT, model.batched_logits, model.batched_logits)
    assert round(quality.nll, 5) == 2.26331
    assert quality.characters == sum(len(name) + 1 for name in names[:500])
    assert quality.kl == 0
    assert mean_nll(names[:500], MICROGPT, model.batched_logits) == quality.nll


@pytest.mark.parametrize("which", ["checkpoint", "small_checkpoint"])
def test_batched_and_stepped_agree(which: str, request: pytest.FixtureRequest) -> None:
    model = FloatModel(request.getfixturevalue(which))
    config = model.config
    tokens = np.random.default_rng(3).integers(0, config.vocab_size, (20, config.block_size))
    batched = model.batched_logits(tokens)
    for row, logits in zip(tokens.tolist(), batched, strict=True):
        cache = model.new_cache()
        stepped = [model.logits(token, position, cache) for position, token in enumerate(row)]
        np.testing.assert_allclose(stepped, logits, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(model.batched_logits(tokens[:, :3]), batched[:, :3], rtol=1e-11, atol=1e-11)


def test_draw_takes_the_first_that_exceeds(model: FloatModel) -> None:
    equal = [0.0, 0.0, -1000.0, 0.0, 0.0]  # a quarter each
    for rng, expected in [(0, 0), (0x3FFFFF, 0), (0x400000, 1), (0x7FFFFF, 1), (0x800000, 3), (0xFFFFFF, 4)]:
        assert model.draw(equal, 1.0, rng) == expected, hex(rng)
        assert model.draw(equal, 1.0, rng | 0xFF000000) == expected, hex(rng)


def test_temperature(model: FloatModel) -> None:
    logits = [0.0, math.log(2), math.log(4)]
    assert model.probabilities(logits, 1.0) == pytest.approx([1 / 7, 2 / 7, 4 / 7])
    assert model.probabilities(logits, 0.5) == pytest.approx([1 / 21, 4 / 21, 16 / 21])
    assert model.probabilities([1.0, 3.0, 3.0], 0) == [0, 1, 0]
    assert model.probabilities(logits, 1e-320) == [0, 0, 1]
    assert model.draw([1.0, 3.0, 3.0], 0, 0xFFFFFF) == 1
    for temperature in (-0.5, math.nan, math.inf):
        with pytest.raises(ValueError, match=r"^temperature must be finite and 0 or more, not "):
            model.draw(logits, temperature, 1)


def test_names_end(small_checkpoint: Checkpoint) -> None:
    model = FloatModel(small_checkpoint)
    drawn = list(names_by_choices(model, random.Random(1), 4.0, 300))
    assert {len(name) for name in drawn} == set(range(model.config.max_letters + 1))
    assert all(token < model.config.bos for name in drawn for token in name)
    greedy = list(names_by_choices(model, random.Random(1), 0, 2))
    assert greedy[0] == greedy[1]
    with pytest.raises(ValueError, match=r"^count must be 1 or more, not 0$"):
        next(names_by_choices(model, random.Random(1), 0.5, 0))


def test_refused_steps(model: FloatModel) -> None:
    cache = model.new_cache()
    for token in (-1, 27):
        with pytest.raises(ValueError, match=f"^token must be 0 to 26, not {token}$"):
            model.logits(token, 0, cache)
    for position in (-1, 16):
        with pytest.raises(ValueError, match=f"^position must be 0 to 15, not {position}$"):
            model.logits(0, position, cache)
    with pytest.raises(ValueError, match=r"^position must be 0, the cache's next, not 3$"):
        model.logits(0, 3, cache)
    assert len(cache) == 0
    with pytest.raises(TypeError, match=r"^checkpoint must be a Checkpoint, not 'weights'$"):
        FloatModel("weights")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ([1, 2], r"^tokens must be \[name, 1 to 16 positions\], not shape \(2,\)$"),
        ([[0] * 17], r"^tokens must be \[name, 1 to 16 positions\], not shape \(1, 17\)$"),
        ([[0, 27]], "^tokens must be integers 0 to 26$"),
        ([[0, -1]], "^tokens must be integers 0 to 26$"),
        ([[0.0]], "^tokens must be integers 0 to 26$"),
    ],
)
def test_refused_batches(tokens: list[list[int]], message: str, model: FloatModel) -> None:
    with pytest.raises(ValueError, match=message):
        model.batched_logits(tokens)


def test_padded_tokens() -> None:
    inputs, targets = padded_tokens(["ab", "z" * 15], MICROGPT)
    assert inputs.tolist() == [[26, 0, 1] + [26] * 13, [26] + [25] * 15]
    assert targets.tolist() == [[0, 1, 26] + [-1] * 13, [25] * 15 + [26]]
    # Cut to as many predictions as the block has positions: the end of a word of 16 letters is none of them.
    inputs, targets = padded_tokens(["z" * 16, "y" * 40], MICROGPT)
    assert inputs.tolist() == [[26] + [25] * 15, [26] + [24] * 15]
    assert targets.tolist() == [[25] * 16, [24] * 16]


def test_evaluate_against_the_definition(checkpoint: Checkpoint, model: FloatModel) -> None:
    words = ["anna", "bob", "kristoffersonaa"] * 200  # more than one batch
    worse = FloatModel(Checkpoint(MICROGPT, {name: t * np.float32(0.9) for name, t in checkpoint.tensors.items()}))
    nll = kl = count = 0.0
    for word in words[:3]:
        p_cache, q_cache = model.new_cache(), worse.new_cache()
        tokens = [26, *MICROGPT.encode(word), 26]
        for position, (token, target) in enumerate(pairwise(tokens)):
            p = model.probabilities(model.logits(token, position, p_cache), 1.0)
            q = worse.probabilities(worse.logits(token, position, q_cache), 1.0)
            nll -= math.log(q[target])
            kl += sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
            count += 1
    quality = evaluate(words, MICROGPT, worse.batched_logits, model.batched_logits)
    assert quality.characters == 200 * count
    assert quality.nll == pytest.approx(nll / count, rel=1e-10)
    assert quality.kl == pytest.approx(kl / count, rel=1e-10)
    assert quality.kl > 1e-3
