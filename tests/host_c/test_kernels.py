"""Every kernel of the C library against the golden models: logits, tokens and random states."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from host_c import ARITHMETICS, Model, kernels
from talos_ref.golden.arithmetic import arithmetic
from talos_ref.golden.float_model import FloatModel
from talos_ref.golden.generate import Step, steps
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.model.checkpoint import Checkpoint, default_checkpoint
from talos_ref.model.config import ModelConfig

INTEGER = ("precise", "folded", "talos-v2")
KERNELS = [(name, kernel) for name in ARITHMETICS for kernel in kernels(name)]
INTEGER_KERNELS = [(name, kernel) for name, kernel in KERNELS if name in INTEGER]
TEMPERATURES = (0.0625, 0.25, 0.5, 0.75, 1.0, 1.25, 3.0, 16.0)
LARGE = ModelConfig(alphabet="abcdef", block_size=7, n_embd=32, n_head=2, mlp_dim=24, n_layer=2)
ODD = ModelConfig(alphabet="αβγδ", block_size=20, n_embd=12, n_head=3, mlp_dim=17, n_layer=3)


def random_checkpoint(config: ModelConfig, seed: int, spread: float = 0.3) -> Checkpoint:
    """Return a checkpoint of normally distributed weights."""
    rng = np.random.default_rng(seed)
    return Checkpoint(config, {n: rng.normal(0, spread, s).astype(np.float32) for n, s in config.shapes().items()})


@cache
def golden(name: str) -> IntegerModel | FloatModel:
    checkpoint = default_checkpoint()
    return FloatModel(checkpoint) if name == "float" else IntegerModel(checkpoint, arithmetic(name, checkpoint.config))


def golden_steps(name: str, seed: int, temperature: float) -> Iterator[Step]:
    greedy = temperature == 0 and name != "talos-v2"
    at = temperature if name == "float" else round(256 * temperature)
    return steps(golden(name), seed=seed, temperature=at, greedy=greedy)


@cache
def expected_steps(name: str) -> tuple[tuple[int, float, tuple[Step, ...]], ...]:
    """Return names of many seeds and temperatures, greedy ones among them, computed once for all kernels."""
    cases = [(seed, TEMPERATURES[seed % len(TEMPERATURES)]) for seed in range(1, 49)]
    cases += [(0xFFFFFFFF, 0.5), (0x80000000, 0.5), (7, 0.0)]
    return tuple((seed, t, tuple(golden_steps(name, seed, t))) for seed, t in cases)


@pytest.mark.parametrize(("name", "kernel"), INTEGER_KERNELS)
def test_integer_kernel_equals_golden_model(name: str, kernel: str) -> None:
    model = Model(default_checkpoint(), name, kernel)
    assert model.kernel == kernel
    for seed, temperature, wanted in expected_steps(name):
        stream = model.stream(seed, temperature)
        for step in wanted:
            at = f"{name} {kernel} seed {seed} temperature {temperature} position {step.pos}"
            got = stream.next()
            assert stream.words().tolist() == list(step.logits), at
            assert (got.pos, got.token_in, got.token_out) == (step.pos, step.token_in, step.token_out), at
            assert (got.argmax, got.rng) == (step.argmax, step.rng), at


@pytest.mark.parametrize(("name", "kernel"), KERNELS)
def test_forced_tokens_reach_the_last_position(name: str, kernel: str) -> None:
    tokens = [26, *np.random.default_rng(5).integers(0, 27, 15).tolist()]
    at = 0.5 if name == "float" else 128
    stream = Model(default_checkpoint(), name, kernel).stream(9, 0.5)
    for repeat in range(2):
        if repeat:
            stream.reset(9)
        for step in steps(golden(name), seed=9, temperature=at, forced=tokens):
            got = stream.force(step.token_in)
            if name == "float":
                np.testing.assert_allclose(stream.logits(), step.logits, rtol=0, atol=1e-4)
            else:
                assert stream.words().tolist() == list(step.logits), f"position {step.pos}"
                assert (got.token_out, got.rng) == (step.token_out, step.rng), f"position {step.pos}"


@pytest.mark.parametrize("kernel", kernels("float"))
def test_float_kernel_is_near_the_float_model(kernel: str) -> None:
    """Logits within 1e-4; a letter differs only where the cut meets a cumulative probability within rounding."""
    model, differing, taken = Model(default_checkpoint(), "float", kernel), 0, 0
    reference = golden("float")
    assert isinstance(reference, FloatModel)
    for seed, temperature, wanted in expected_steps("float"):
        stream = model.stream(seed, temperature)
        for step in wanted:
            got = stream.next()
            taken += 1
            assert np.abs(stream.logits() - np.array(step.logits)).max() <= 1e-4
            assert got.rng == step.rng
            if got.token_out != step.token_out:
                differing += 1
                sums = np.cumsum(reference.probabilities(list(step.logits), temperature))
                assert np.abs(sums - (step.rng & 0xFFFFFF) / 2**24).min() < 1e-4
                break
    assert taken > 300
    assert differing <= 1


@pytest.mark.parametrize("kernel", kernels("float"))
def test_published_names_of_seed_2(kernel: str) -> None:
    tokens, taken = Model(default_checkpoint(), "float", kernel).stream(2, 0.5).generate(5)
    text = "".join("." if token == 26 else chr(97 + token) for token in tokens)
    assert text == "aarin.anana.alana.jayx.javian."
    assert taken == len(tokens)


@pytest.mark.parametrize(("name", "kernel"), KERNELS)
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_many_equals_single_streams(name: str, kernel: str, threads: int) -> None:
    model = Model(default_checkpoint(), name, kernel)
    seeds = np.random.default_rng(3).integers(1, 1 << 32, 1500, dtype=np.uint32)
    many, total = model.generate_counted(seeds, 0.5, threads)
    stream, taken = model.stream(1, 0.5), 0
    for row, seed in zip(many, seeds.tolist(), strict=True):
        stream.reset(seed)
        tokens, count = stream.generate(1)
        taken += count
        assert row.tolist() == tokens.tolist() + [26] * (16 - len(tokens)), f"seed {seed}"
    assert total == taken


@pytest.mark.parametrize("names", [0, 1, 7, 8, 9, 255, 256, 257])
def test_many_with_any_number_of_names(names: int) -> None:
    model = Model(default_checkpoint(), "precise")
    seeds = np.arange(1, 301, dtype=np.uint32)
    assert np.array_equal(model.generate_many(seeds[:names], 1.0, 2), model.generate_many(seeds, 1.0)[:names])


@pytest.mark.parametrize("config", [LARGE, ODD], ids=["large", "odd"])
@pytest.mark.parametrize("name", list(ARITHMETICS))
def test_other_models_take_the_general_path(config: ModelConfig, name: str) -> None:
    checkpoint = random_checkpoint(config, 1)
    if name == "talos-v2" and config is ODD:
        with pytest.raises(ValueError, match=r"^n_embd must be a power of two in talos-v2, not 12$"):
            Model(checkpoint, name)
        return
    if name == "folded":
        with pytest.raises(ValueError, match=rf"^n_layer must be 1 in folded, not {config.n_layer}; use precise"):
            Model(checkpoint, name)
        config = replace(config, n_layer=1)
        checkpoint = random_checkpoint(config, 1)
    reference = FloatModel(checkpoint) if name == "float" else IntegerModel(checkpoint, arithmetic(name, config))
    model = Model(checkpoint, name)
    assert model.kernel == "scalar" or (name == "precise" and model.kernel.endswith("-f64"))
    rng = np.random.default_rng(2)
    tokens = rng.integers(0, config.vocab_size, config.block_size).tolist()
    for temperature in (0.5, 2.0):
        stream = model.stream(11, temperature)
        at = temperature if name == "float" else int(256 * temperature)
        for step in steps(reference, seed=11, temperature=at, forced=tokens):
            got = stream.force(step.token_in)
            if name == "float":
                np.testing.assert_allclose(stream.logits(), step.logits, rtol=0, atol=1e-4)
            else:
                assert stream.words().tolist() == list(step.logits), f"position {step.pos}"
                assert (got.token_out, got.rng) == (step.token_out, step.rng)


@pytest.mark.parametrize("n_embd", [2, 3, 5, 8, 15, 31, 64, 100, 256])
def test_rsqrt_table_of_any_width_equals_golden(n_embd: int) -> None:
    """The one table that C makes itself, since it depends on n_embd."""
    config = ModelConfig(alphabet="ab", block_size=3, n_embd=n_embd, n_head=1, mlp_dim=4)
    for spread in (0.05, 0.2, 1.0 if n_embd < 32 else 0.3):
        checkpoint = random_checkpoint(config, n_embd, spread)
        stream = Model(checkpoint, "precise").stream(5, 1.0)
        reference = IntegerModel(checkpoint, arithmetic("precise", config))
        for step in steps(reference, seed=5, temperature=256, forced=[2, 0, 1]):
            stream.force(step.token_in)
            assert stream.words().tolist() == list(step.logits), f"n_embd {n_embd} spread {spread} position {step.pos}"


OURS = [(name, kernel) for name in ("precise", "folded") for kernel in kernels(name)]


@pytest.mark.parametrize(("name", "kernel"), OURS)
@pytest.mark.parametrize("spread", [0.1, 0.3, 0.6])
def test_kernels_on_random_weights(name: str, kernel: str, spread: float) -> None:
    """Small, ordinary and saturating activations; a kernel that refuses such weights is left out by itself."""
    checkpoint = random_checkpoint(ModelConfig(), int(100 * spread), spread)
    try:
        model = Model(checkpoint, name, kernel)
    except RuntimeError:
        assert kernel != "scalar"
        assert spread > 0.2
        return
    reference = IntegerModel(checkpoint, arithmetic(name, checkpoint.config))
    rng = np.random.default_rng(4)
    for seed in range(1, 9):
        stream = model.stream(seed, 1.0)
        tokens = rng.integers(0, 27, 16).tolist()
        for step in steps(reference, seed=seed, temperature=256, forced=tokens):
            got = stream.force(step.token_in)
            assert stream.words().tolist() == list(step.logits), f"{kernel} seed {seed} position {step.pos}"
            assert (got.token_out, got.rng) == (step.token_out, step.rng)


@pytest.mark.parametrize(("name", "kernel"), [(name, kernel) for name, kernel in OURS if kernel != "scalar"])
def test_kernels_agree_for_a_million_steps(name: str, kernel: str) -> None:
    seeds = np.arange(1, 180_001, dtype=np.uint32)
    names, taken = Model(default_checkpoint(), name, kernel).generate_counted(seeds, 0.5)
    scalar, also = Model(default_checkpoint(), name, "scalar").generate_counted(seeds, 0.5)
    assert taken > 1_000_000
    assert taken == also
    assert np.array_equal(names, scalar), f"first differing seed {seeds[(names != scalar).any(axis=1)][0]}"


def test_sampled_letters_follow_the_float_model() -> None:
    """First letters of 200,000 names at temperature 1 against their probabilities: chi-square."""
    reference = FloatModel(default_checkpoint())
    first = reference.logits(26, 0, reference.new_cache())
    weights = np.exp(np.array(first) - max(first))
    count = 200_000
    wanted = count * weights / weights.sum()
    for name in ("float", "precise", "folded"):
        seeds = np.random.default_rng(8).integers(1, 1 << 32, count, dtype=np.uint32)
        letters = Model(default_checkpoint(), name).generate_many(seeds, 1.0)[:, 0]
        counts = np.bincount(letters, minlength=27)
        used = wanted >= 5
        statistic = float(((counts - wanted)[used] ** 2 / wanted[used]).sum())
        freedom = int(used.sum()) - 1
        assert statistic < freedom + 4 * math.sqrt(2 * freedom), f"{name}: {statistic}"
