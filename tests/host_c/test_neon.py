"""The NEON kernels: natively through SIMDe, and for A64 and ARMv7 under qemu. Same letters, same bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from host_c import Model
from host_c.bench.emulator import SIMDE, TARGETS, Target, build_letters, instructions_per_step, run_letters
from host_c.binding.model_file import write_model
from talos_ref.golden.format import FORMATS, Format
from talos_ref.model.checkpoint import Checkpoint, default_checkpoint
from talos_ref.model.config import ModelConfig
from tests.helpers.histories import assert_same_histories, build_histories
from tests.helpers.small_models import MODELS

ALL = (SIMDE, *TARGETS)
INSTRUCTIONS = {"A64 NEON": 1800, "ARMv7 NEON (Cortex-A9)": 3500}
"""Most instructions of a float32 step, sampling included."""


@pytest.fixture(scope="module", params=ALL, ids=[target.name for target in ALL])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Target, Path, Path]:
    """Return a target, its program and a model file."""
    folder = tmp_path_factory.mktemp("letters")
    return request.param, build_letters(request.param, folder), write_model(default_checkpoint(), folder / "model.bin")


def rows(text: str) -> list[list[float]]:
    return [[float(field) for field in line.split()] for line in text.splitlines()]


@pytest.mark.parametrize("temperature", [0.0, 0.0625, 0.5, 1.0, 5.0])
@pytest.mark.parametrize("kernel", ["neon", "scalar"])
@pytest.mark.parametrize("arithmetic", ["precise", "folded"])
def test_ours_are_the_same_to_the_bit(
    built: tuple[Target, Path, Path], arithmetic: str, kernel: str, temperature: float
) -> None:
    target, program, path = built
    text = run_letters(
        target, program, path, arithmetic=arithmetic, kernel=kernel, seed=3, temperature=temperature,
        names=40, mode="steps",
    )  # fmt: skip
    stream = Model(path, arithmetic, "scalar").stream(3, temperature)
    for number, (token, rng, *logits) in enumerate(rows(text)):
        step = stream.next()
        assert [4096 * value for value in logits] == stream.words().tolist(), f"{target.name} {kernel} step {number}"
        assert (token, rng) == (step.token_out, step.rng), f"{target.name} {kernel} step {number}"
    assert number > 100


@pytest.mark.parametrize("arithmetic", ["float", "precise", "folded"])
def test_names_in_lanes_are_those_of_single_streams(built: tuple[Target, Path, Path], arithmetic: str) -> None:
    """Many at once, a stream in a lane; the last lanes have none."""
    target, program, path = built
    names, first = 239, 77

    def text(seed: int, names: int, mode: str | None) -> list[str]:
        output = run_letters(
            target, program, path, arithmetic=arithmetic, kernel="neon", seed=seed, temperature=0.75, names=names,
            mode=mode,
        )  # fmt: skip
        return output.splitlines()

    many = text(first, names, "many")
    tokens = Model(path, arithmetic, "scalar").generate_many(np.arange(first, first + names, dtype=np.uint32), 0.75)
    assert many[:-1] == ["".join(chr(97 + token) for token in row if token != 26) for row in tokens.tolist()]
    assert [text(seed, 1, None)[0] for seed in range(first, first + 8)] == many[:8]


@pytest.mark.parametrize("arithmetic", ["precise", "folded"])
def test_names_agree_for_many_steps(built: tuple[Target, Path, Path], arithmetic: str) -> None:
    target, program, path = built
    names = 20_000 if target is SIMDE else 1_000
    text = run_letters(
        target, program, path, arithmetic=arithmetic, kernel="neon", seed=5, temperature=0.5, names=names
    )
    tokens, steps = Model(path, arithmetic, "scalar").stream(5, 0.5).generate(names)
    wanted = "".join("\n" if token == 26 else chr(97 + token) for token in tokens)
    assert text == f"{wanted}{steps} steps\n"


@pytest.mark.parametrize("temperature", [0.0, 0.02, 0.5, 2.0])
def test_float_logits_are_near_and_letters_the_same(built: tuple[Target, Path, Path], temperature: float) -> None:
    target, program, path = built
    arithmetic = "float"
    text = run_letters(
        target, program, path, arithmetic=arithmetic, kernel="neon", seed=2, temperature=temperature,
        names=40, mode="steps",
    )  # fmt: skip
    stream = Model(path, "float", "scalar").stream(2, temperature)
    for number, (token, rng, *logits) in enumerate(rows(text)):
        step = stream.next()
        assert np.abs(np.array(logits) - stream.logits()).max() <= 1e-4, f"{target.name} step {number}"
        assert (token, rng) == (step.token_out, step.rng), f"{target.name} step {number}"


def test_any_token_may_be_the_first(tmp_path: Path) -> None:
    """The candidates among the hidden units are those of names that begin with BOS."""
    program = build_histories(tmp_path, neon=True)
    for model in MODELS.values():
        path = write_model(model, tmp_path / "model.bin")
        for arithmetic in ("float", "precise", "folded"):
            assert_same_histories(program, path, model.config, arithmetic, "neon")


def test_published_names(built: tuple[Target, Path, Path]) -> None:
    target, program, path = built
    for kernel in ("neon", "scalar"):
        text = run_letters(target, program, path, arithmetic="float", kernel=kernel, seed=2, temperature=0.5, names=5)
        assert text.splitlines()[:-1] == ["aarin", "anana", "alana", "jayx", "javian"]


def test_instructions_per_step(built: tuple[Target, Path, Path]) -> None:
    target, program, path = built
    if target is SIMDE:
        text = run_letters(target, program, path, arithmetic="float", kernel="-", seed=2, temperature=0.5, names=1)
        assert text.startswith("aarin\n")
        return
    counted = instructions_per_step(target, program, path, "float")
    assert 500 < counted <= INSTRUCTIONS[target.name]


@pytest.mark.parametrize("word", FORMATS, ids=str)
def test_any_shape_and_word_is_the_same_to_the_bit(
    built: tuple[Target, Path, Path], word: Format, tmp_path: Path
) -> None:
    """A64 has registers of float64; elsewhere the scalar kernel takes such a model."""
    target, program, _ = built
    config = ModelConfig(alphabet="abcdefg", block_size=20, n_embd=24, n_head=6, mlp_dim=22, n_layer=2)
    rng = np.random.default_rng(1)
    tensors = {name: rng.normal(0, 0.4, shape).astype(np.float32) for name, shape in config.shapes().items()}
    path = write_model(Checkpoint(config, tensors), tmp_path / "model.bin", word)
    kernel = "neon-f64" if target.emulator == ("qemu-aarch64",) else "scalar"
    text = run_letters(
        target, program, path, arithmetic="precise", kernel=kernel, seed=3, temperature=1.0, names=15, mode="steps"
    )
    stream = Model(path, "precise", "scalar").stream(3, 1.0)
    for number, (token, rng_state, *logits) in enumerate(rows(text)):
        step = stream.next()
        assert [4096 * value for value in logits] == stream.words().tolist(), f"{target.name} {kernel} step {number}"
        assert (token, rng_state) == (step.token_out, step.rng), f"{target.name} {kernel} step {number}"
    assert number > 30
