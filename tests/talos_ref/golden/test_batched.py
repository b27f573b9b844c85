"""The batched form gives the bits of the plain one, unit by unit and name by name, and is fast."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from talos_ref.golden.arithmetic import Arithmetic, arithmetic, precise, talos_v2
from talos_ref.golden.arrays import Ints, Product, saturate
from talos_ref.golden.attention import attend, batched_attend
from talos_ref.golden.batched import BatchedModel, batched_logits, replay
from talos_ref.golden.format import FORMATS, Q4_12, Format
from talos_ref.golden.generate import letters, steps
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.golden.kv_cache import LayerCache
from talos_ref.golden.rmsnorm import batched_normalise
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import MICROGPT, ModelConfig
from tests.helpers.golden_vectors import assert_steps

ALL = ["talos-v2", "precise", "folded"]
WEIGHTED = [("talos-v2", Q4_12), *(("precise", word) for word in FORMATS)]
CASES = [*WEIGHTED, *(("folded", word) for word in FORMATS)]
NEAR_ZERO = [-4096, -1, 0, 1, 2, 255, 4095, 4096]


def random_checkpoint(config: ModelConfig, deviation: float) -> Checkpoint:
    rng = np.random.default_rng(11)
    shapes = config.shapes().items()
    return Checkpoint(config, {name: rng.normal(0, deviation, shape).astype(np.float32) for name, shape in shapes})


def words(shape: tuple[int, ...], seed: int, word: Format = Q4_12) -> Ints:
    """Random words of all magnitudes, one in eight of them a corner."""
    rng = np.random.default_rng(seed)
    values = rng.integers(word.low, word.high + 1, shape) >> rng.integers(0, word.width, (*shape[:-1], 1))
    corners = [word.low, word.low + 1, *NEAR_ZERO, word.high >> 1, word.high - 1, word.high]
    return np.where(rng.random(shape) < 0.125, rng.choice(corners, shape), values)


def assert_replay_matches(
    checkpoint: Checkpoint, spec: Arithmetic, seeds: range, temperature: int, **options: Any
) -> None:
    batch, model = replay(checkpoint, spec, seeds, temperature, **options), IntegerModel(checkpoint, spec)
    row = 0
    for index, seed in enumerate(seeds):
        expected = list(steps(model, seed=seed, temperature=temperature, **options))
        rows = range(row, min(row + len(expected), len(batch)))
        assert_steps([batch.step(i) for i in rows], expected, f"{spec.name}, seed {seed}, {temperature}/256")
        assert set(batch.seed_index[rows.start : rows.stop].tolist()) == {index}
        row = rows.stop
    assert row == len(batch)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("temperature", [1, 16, 127, 128, 129, 256, 257, 512, 513, 4096, 65535])
def test_replay_is_steps(checkpoint: Checkpoint, name: str, temperature: int) -> None:
    spec = arithmetic(name, MICROGPT)
    temperature = min(max(temperature, spec.sampler.min_temperature), spec.sampler.max_temperature)
    assert_replay_matches(checkpoint, spec, range(1000, 1040), temperature)


def test_replay_of_several_chunks_keeps_the_order(checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("talos_ref.golden.batched.CHUNK", 7)
    assert_replay_matches(checkpoint, precise(MICROGPT), range(1, 24), 256)


def test_replay_of_another_model(small_checkpoint: Checkpoint) -> None:
    assert_replay_matches(small_checkpoint, precise(small_checkpoint.config), range(1, 80), 256)


@pytest.mark.parametrize("deviation", [0.1, 0.5, 3.0])
def test_replay_of_two_layers_in_talos_v2(deviation: float) -> None:
    config = ModelConfig(alphabet="abcde", block_size=9, n_embd=32, n_head=2, mlp_dim=24, n_layer=2)
    assert_replay_matches(random_checkpoint(config, deviation), talos_v2(config), range(1, 40), 256)


@pytest.mark.parametrize("n_embd", [2, 6, 24, 64])
def test_replay_of_other_widths_in_precise(n_embd: int) -> None:
    config = ModelConfig(alphabet="abc", block_size=5, n_embd=n_embd, n_head=2, mlp_dim=10, n_layer=2)
    assert_replay_matches(random_checkpoint(config, 0.6), precise(config), range(1, 40), 300)


@pytest.mark.parametrize("word", FORMATS, ids=str)
@pytest.mark.parametrize("deviation", [0.4, 2.0, 9.0])
def test_replay_of_every_word(word: Format, deviation: float) -> None:
    """24 x 6 heads and two layers; from activations that fit the narrowest word to ones that saturate in all."""
    config = ModelConfig(alphabet="abcde", block_size=7, n_embd=24, n_head=6, mlp_dim=40, n_layer=2)
    assert_replay_matches(random_checkpoint(config, deviation), precise(config, word), range(1, 12), 256)


@pytest.mark.parametrize("word", FORMATS, ids=str)
@pytest.mark.parametrize(("n_embd", "n_head"), [(2, 1), (16, 4), (20, 5)])
@pytest.mark.parametrize("name", ["precise", "folded"])
def test_replay_of_one_layer_in_every_word(word: Format, n_embd: int, n_head: int, name: str) -> None:
    config = ModelConfig(alphabet="xyz", block_size=6, n_embd=n_embd, n_head=n_head, mlp_dim=9)
    assert_replay_matches(random_checkpoint(config, 3.0), arithmetic(name, config, word), range(1, 12), 128)


@pytest.mark.parametrize("name", ALL)
def test_greedy_and_limit(checkpoint: Checkpoint, name: str) -> None:
    spec = arithmetic(name, MICROGPT)
    assert_replay_matches(checkpoint, spec, range(5, 8), 128, greedy=True)
    assert_replay_matches(checkpoint, spec, range(5, 40), 128, limit=3)
    assert_replay_matches(checkpoint, spec, range(5, 40), 128, limit=1)


def test_temperature_zero_is_greedy_in_precise(checkpoint: Checkpoint) -> None:
    zero, greedy = (replay(checkpoint, "precise", [3], 0, greedy=flag) for flag in (False, True))
    assert (zero.rng == 3).all()
    assert (zero.token_out == greedy.token_out).all()
    assert (zero.token_out == zero.argmax).all()


def test_letters(checkpoint: Checkpoint) -> None:
    model = IntegerModel(checkpoint, precise(MICROGPT))
    names = replay(checkpoint, "precise", range(1, 50), 128).letters(MICROGPT)
    assert names == [letters(model, seed=seed, temperature=128) for seed in range(1, 50)]


@pytest.mark.parametrize("name", ALL)
def test_batched_logits_are_those_of_one_name_at_a_time(checkpoint: Checkpoint, name: str) -> None:
    model = IntegerModel(checkpoint, arithmetic(name, MICROGPT))
    tokens = np.random.default_rng(3).integers(0, 27, (12, 16))
    batch = batched_logits(model, tokens)
    assert batch.shape == (12, 16, 27)
    for row, inputs in enumerate(tokens.tolist()):
        cache = model.new_cache()
        for position, token in enumerate(inputs):
            assert batch[row, position].tolist() == model.logits(token, position, cache), (row, position)


@pytest.mark.parametrize(("name", "word"), CASES)
@pytest.mark.parametrize("n", [4, 16, 64])
def test_norm(name: str, word: Format, n: int) -> None:
    config = ModelConfig(n_embd=n, n_head=1)
    spec = arithmetic(name, config, word)
    x = words((2000, n), n, word)
    x[:6] = np.array([0, 1, -1, word.high, word.low, 255])[:, None]
    assert spec.rmsnorm.batched_scale(x, saturate)[:, 0].tolist() == [spec.rmsnorm.scale(row) for row in x.tolist()]
    assert batched_normalise(spec.rmsnorm, x, saturate).tolist() == [spec.normalise(row) for row in x.tolist()]


@pytest.mark.parametrize(("name", "word"), CASES)
def test_query(name: str, word: Format) -> None:
    attention = arithmetic(name, MICROGPT, word).attention
    totals = words((400, 16), 3, word) * np.random.default_rng(4).integers(1, 1 << 20, (400, 16))
    expected = [[attention.query(total) for total in row] for row in totals.tolist()]
    assert attention.batched_query(totals, saturate).tolist() == expected


@pytest.mark.parametrize(("name", "word"), CASES)
def test_attention(name: str, word: Format) -> None:
    spec = arithmetic(name, MICROGPT, word)
    for count in (1, 2, 7, 16):
        q = words((100, 16), count, word)
        keys, values = (words((100, count, 16), seed + count, word) for seed in (20, 40))
        expected = [
            attend(spec.attention, q[i].tolist(), LayerCache(keys[i].tolist(), values[i].tolist())) for i in range(100)
        ]
        assert batched_attend(spec.attention, q, keys, values, saturate).tolist() == expected


@pytest.mark.parametrize(("name", "word"), CASES)
@pytest.mark.parametrize("temperature", [16, 128, 255, 256, 300, 512, 4096])
def test_draw(name: str, word: Format, temperature: int) -> None:
    sampler = arithmetic(name, MICROGPT, word).sampler
    logits = words((400, 27), temperature, word)
    logits[:200] = logits[:200] >> 2
    rng = np.random.default_rng(1).integers(1, 1 << 32, 400)
    rng[::7] = 0xFFFFFFFF
    expected = [sampler.draw(row, temperature, state) for row, state in zip(logits.tolist(), rng.tolist(), strict=True)]
    assert sampler.batched_draw(logits, temperature, rng).tolist() == expected


@pytest.mark.parametrize(("name", "word"), WEIGHTED)
@pytest.mark.parametrize("temperature", [16, 255, 4096])
def test_weights(name: str, word: Format, temperature: int) -> None:
    sampler: Any = arithmetic(name, MICROGPT, word).sampler
    logits = words((400, 27), temperature, word)
    weights = [sampler.weights(row, temperature) for row in logits.tolist()]
    assert sampler.batched_weights(logits, temperature).tolist() == weights
    tokens = np.arange(400) % 27
    shares = [row[token] / sum(row) for row, token in zip(weights, tokens.tolist(), strict=True)]
    assert sampler.batched_probability(logits, tokens, temperature).tolist() == shares


@pytest.mark.parametrize("word", FORMATS, ids=str)
def test_products_of_extreme_words_are_exact(word: Format) -> None:
    matrix, x = np.full((3, 1024), word.low), np.full((5, 1024), word.low)
    x[1:, 0] += 1
    square = word.low**2
    expected = [[1024 * square] * 3] + [[1024 * square + word.low] * 3] * 4
    assert Product(matrix)(x).tolist() == expected


def test_a_hundred_thousand_steps_in_five_seconds(checkpoint: Checkpoint) -> None:
    for name in ALL:
        start = time.process_time()
        count = len(replay(checkpoint, name, range(1, 18_001), 128))
        assert count >= 100_000
        assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"arithmetic": "exact"}, "arithmetic must be one of folded, precise, talos-v2, not 'exact'"),
        ({"seeds": []}, "seeds must hold at least one seed"),
        ({"seeds": [1, 0]}, "seed must be 1 to 4294967295 .*, not 0"),
        ({"seeds": [1 << 32]}, "seed must be 1 to 4294967295 .*, not 4294967296"),
        ({"temperature_q8_8": 15}, "temperature_q8_8 must be 16 to 4096, not 15"),
        ({"temperature_q8_8": 4097}, "temperature_q8_8 must be 16 to 4096, not 4097"),
        ({"temperature_q8_8": -1, "arithmetic": "talos-v2"}, "temperature_q8_8 must be 0 to 65535, not -1"),
        ({"limit": 0}, "limit must be 1 to 15 letters, not 0"),
        ({"limit": 16}, "limit must be 1 to 15 letters, not 16"),
    ],
)
def test_refusals(checkpoint: Checkpoint, options: dict[str, object], message: str) -> None:
    arguments: dict[str, object] = {"arithmetic": "precise", "seeds": [1], "temperature_q8_8": 128}
    with pytest.raises(ValueError, match=f"^{message}$"):
        replay(checkpoint, **arguments | options)  # type: ignore[arg-type]


def test_refusals_of_kind(checkpoint: Checkpoint) -> None:
    with pytest.raises(TypeError, match=r"^temperature_q8_8 must be an integer, not 0\.5$"):
        replay(checkpoint, "precise", [1], 0.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^limit must be an integer, not '3'$"):
        replay(checkpoint, "precise", [1], 128, limit="3")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^seed must be an integer, not 1\.5$"):
        replay(checkpoint, "precise", [1.5], 128)  # type: ignore[list-item]


def test_refusals_of_inputs(checkpoint: Checkpoint) -> None:
    model = IntegerModel(checkpoint, precise(MICROGPT))
    with pytest.raises(ValueError, match=r"^tokens must be 0 to 26$"):
        batched_logits(model, [[26, 27]])
    with pytest.raises(ValueError, match=r"^tokens must be \[name, 1 to 16 positions\], not shape \(17,\)$"):
        batched_logits(model, [0] * 17)
    with pytest.raises(ValueError, match=r"^tokens must be integers, not float64$"):
        batched_logits(model, [[0.0]])
    batched = BatchedModel(model)
    cache = batched.new_cache(1, 1)
    batched.logits(np.array([26]), cache)
    with pytest.raises(ValueError, match=r"^cache must have room for position 1, not 1 positions$"):
        batched.logits(np.array([0]), cache)
