"""`precise` and `folded` in words of 16, 17 and 18 bits: C against the golden model, and the file of a format."""

from __future__ import annotations

import re
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hdl.design import make_design
from host_c import Model, kernels
from host_c.binding.model_file import model_bytes, write_model
from host_c.binding.trace import trace
from talos_ref.golden.arithmetic import arithmetic
from talos_ref.golden.batched import replay
from talos_ref.golden.format import FORMATS, Q4_12, Q5_12, Q6_12, Format
from talos_ref.golden.generate import steps
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.model.checkpoint import Checkpoint, default_checkpoint, quantise
from talos_ref.model.config import ModelConfig

OURS = ("precise", "folded")


def any_shape(name: str) -> list[str]:
    """Return the kernels of an arithmetic that take every model and every word."""
    return [kernel for kernel in kernels(name) if kernel == "scalar" or kernel.endswith("-f64")]


"""Kernels that take any model and any word, fastest first."""
EVERY_FORMAT = pytest.mark.parametrize("word", FORMATS, ids=str)
LETTERS_255 = "".join(map(chr, range(0xAC00, 0xAC00 + 255)))
MODELS = {
    "published": ModelConfig(),
    "two layers, 24 x 6 heads": ModelConfig(alphabet="abcdefg", n_embd=24, n_head=6, mlp_dim=40, n_layer=2),
    "one letter, block 2": ModelConfig(alphabet="a", block_size=2, n_embd=8, n_head=2, mlp_dim=9),
    "255 letters": ModelConfig(alphabet=LETTERS_255, block_size=5, mlp_dim=20),
    "block 64": ModelConfig(alphabet="αβγ", block_size=64, n_embd=4, n_head=1, mlp_dim=6),
    "narrow": ModelConfig(alphabet="ab", block_size=3, n_embd=3, n_head=3, mlp_dim=1, n_layer=3),
}


def checkpoint_of(config: ModelConfig, seed: int, spread: float) -> Checkpoint:
    """Return weights of a normal distribution; lm_head and fc2 are small, so that their product fits a word."""
    rng = np.random.default_rng(seed)
    small = min(spread, 0.25)
    return Checkpoint(config, {
        name: rng.normal(0, small if name.endswith(("lm_head", "fc2")) else spread, shape).astype(np.float32)
        for name, shape in config.shapes().items()
    })  # fmt: skip


def assert_equal(
    name: str, checkpoint: Checkpoint, word: Format, seed: int, temperatures: tuple[float, ...] = (1.0,)
) -> None:
    """Force random tokens at every position, and compare logits, tokens and random states."""
    config = checkpoint.config
    reference = IntegerModel(checkpoint, arithmetic(name, config, word))
    tokens = np.random.default_rng(seed).integers(0, config.vocab_size, config.block_size).tolist()
    for kernel in (*any_shape(name), None):
        model = Model(checkpoint, name, kernel, word=word)
        for temperature in temperatures:
            stream = model.stream(seed, temperature)
            quantised = round(256 * temperature)
            for step in steps(reference, seed=seed, temperature=quantised, greedy=temperature == 0, forced=tokens):
                got = stream.force(step.token_in)
                at = f"{word} {model.kernel} seed {seed} temperature {temperature} position {step.pos}"
                assert stream.words().tolist() == list(step.logits), at
                assert (got.token_out, got.argmax, got.rng) == (step.token_out, step.argmax, step.rng), at
                assert (stream.logits() * 4096 == np.array(step.logits)).all(), at


@EVERY_FORMAT
@pytest.mark.parametrize("which", MODELS)
@pytest.mark.parametrize("spread", [0.1, 1.0])
@pytest.mark.parametrize("name", OURS)
def test_random_models_equal_golden(which: str, word: Format, spread: float, name: str) -> None:
    config = replace(MODELS[which], n_layer=1) if name == "folded" else MODELS[which]
    for seed in (1, 2):
        print(f"seed {seed}")
        assert_equal(name, checkpoint_of(config, seed, spread), word, seed)


@EVERY_FORMAT
@pytest.mark.parametrize("which", ["published", "two layers, 24 x 6 heads"])
@pytest.mark.parametrize("name", OURS)
def test_saturating_weights_equal_golden(which: str, word: Format, name: str) -> None:
    config = replace(MODELS[which], n_layer=1) if name == "folded" else MODELS[which]
    checkpoint = checkpoint_of(config, 3, word.to_float(word.high))
    words = quantise(checkpoint, word)["layer0.wq"]
    assert (words.min(), words.max()) == (word.low, word.high)
    assert_equal(name, checkpoint, word, 3, (0.0, 0.0625, 0.5, 16.0))


@pytest.mark.parametrize("word", [Q5_12, Q6_12], ids=str)
def test_many_steps_of_wide_words_equal_golden(word: Format) -> None:
    """Attention weights of the published model times fifteen, so that words of 16 bits would clip."""
    published = default_checkpoint()
    grown = ("wq", "wk", "wv", "wo")
    checkpoint = Checkpoint(published.config, {
        name: array * np.float32(15 if name.endswith(grown) else 1) for name, array in published.tensors.items()
    })  # fmt: skip
    assert max(np.abs(array).max() for array in quantise(checkpoint, word).values()) > Q4_12.high
    seeds = list(range(1, 400))
    expected = replay(checkpoint, arithmetic("precise", published.config, word), seeds, 128)
    assert len(expected) > 1_000
    for kernel in any_shape("precise"):
        actual = trace(Model(checkpoint, "precise", kernel, word=word), seeds, 0.5)
        for name in ("seed_index", "pos", "token_in", "token_out", "argmax", "rng", "top_logit", "logits"):
            assert np.array_equal(getattr(actual, name), getattr(expected, name)), f"{kernel} {name}"


def test_only_kernels_that_take_wide_words_run_them() -> None:
    checkpoint = default_checkpoint()
    assert Model(checkpoint, "precise", word=Q4_12).kernel == kernels("precise")[0]
    for word in (Q5_12, Q6_12):
        assert Model(checkpoint, "precise", word=word).kernel == any_shape("precise")[0]
        for kernel in sorted({*kernels("precise")} - {*any_shape("precise")}):
            with pytest.raises(RuntimeError, match=r"^model: arithmetic and kernel must suit the model and this CPU$"):
                Model(checkpoint, "precise", kernel, word=word)
        message = f"word must be Q4.12 in talos-v2, not {word}; use precise for wider words"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            Model(checkpoint, "talos-v2", word=word)
    float_names = [Model(checkpoint, "float", word=word).generate_many([2, 3], 0.5).tolist() for word in FORMATS]
    assert float_names[0] == float_names[1] == float_names[2]


@EVERY_FORMAT
def test_the_file_brings_its_format(tmp_path: Path, word: Format) -> None:
    checkpoint = default_checkpoint()
    path = write_model(checkpoint, tmp_path / "model.bin", word)
    for source in (path, path.read_bytes()):
        model = Model(source, "precise")
        assert (model.word, model.config) == (word, checkpoint.config)
        with pytest.raises(ValueError, match=r"^word must be None where the source brings its own, not Q4\.12$"):
            Model(source, "precise", word=Q4_12)


def test_files_of_the_first_version_are_read() -> None:
    """They had zeros where the width of a word is now."""
    checkpoint = default_checkpoint()
    second = model_bytes(checkpoint)
    first = second[:8] + struct.pack("<I", 1) + second[12:44] + bytes(20) + second[64:]
    old, new = Model(first, "precise"), Model(second, "precise")
    assert old.word == new.word == Q4_12
    assert np.array_equal(old.generate_many([2, 3], 0.5), new.generate_many([2, 3], 0.5))


def test_a_word_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^format must be one of Q4\.12, Q5\.12, Q6\.12, not 'Q7\.12'$"):
        model_bytes(default_checkpoint(), Format(width=19, fraction=12))
    with pytest.raises(TypeError, match=r"^word must be a Format, not 16$"):
        Model(default_checkpoint(), "precise", word=16)  # type: ignore[arg-type]


def test_a_design_brings_weights_word_and_arithmetic() -> None:
    design = make_design("wide", checkpoint_of(MODELS["block 64"], 1, 0.5), word=Q5_12)
    model = Model(design)
    assert (model.arithmetic, model.word, model.config) == ("precise", Q5_12, design.model)
    assert np.array_equal(
        model.generate_many([1, 2, 3], 1.0),
        Model(design.checkpoint, "precise", word=Q5_12).generate_many([1, 2, 3], 1.0),
    )
    assert Model(design, "float").arithmetic == "float"
    with pytest.raises(TypeError, match=r"^arithmetic must be given, since a checkpoint or a model file has none$"):
        Model(design.checkpoint)
