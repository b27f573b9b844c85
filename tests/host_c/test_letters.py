"""The command line in C: names in any alphabet, steps, and one line for bad input."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from host_c import Model
from host_c.binding.model_file import write_model
from host_c.build import LIBRARY, compile_program, sources
from talos_ref.golden.format import Q5_12
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig
from talos_ref.programs import find_program

ALPHABET = "a~\u00a1\u07ff\u0800\u8a9e\uffe6\U00010000\U0001f600"
"""Letters of one to four bytes in UTF-8, the first and last of a length among them."""
CONFIG = ModelConfig(alphabet=ALPHABET, block_size=6, n_embd=8, n_head=2, mlp_dim=6)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the program, built without a kernel of a processor."""
    files = [*sources(), LIBRARY / "letters.c"]
    return compile_program([find_program("gcc")], files, tmp_path_factory.mktemp("letters") / "letters", ["-Wall"])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model file in words of 17 bits."""
    rng = np.random.default_rng(1)
    tensors = {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in CONFIG.shapes().items()}
    return write_model(Checkpoint(CONFIG, tensors), tmp_path_factory.mktemp("model") / "model.bin", Q5_12)


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in words], capture_output=True, encoding="utf-8", check=False)


def test_names_are_written_in_the_letters_of_the_model(program: Path, model: Path) -> None:
    done = run(program, model, "precise", "-", "5", "1.0", "200")
    tokens, steps = Model(model, "precise").stream(5, 1.0).generate(200)
    letters = dict(enumerate([*CONFIG.alphabet, "\n"]))
    assert done.stdout == "".join(letters[token] for token in tokens.tolist()) + f"{steps} steps\n"
    assert set(CONFIG.alphabet) < set(done.stdout)


def test_steps_are_those_of_the_library(program: Path, model: Path) -> None:
    done = run(program, model, "precise", "scalar", "5", "1.0", "3", "steps")
    stream = Model(model, "precise").stream(5, 1.0)
    for line in done.stdout.splitlines():
        token, rng, *logits = line.split()
        step = stream.next()
        assert (int(token), int(rng)) == (step.token_out, step.rng)
        assert [float(logit) for logit in logits] == stream.logits().tolist()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fp64", "-", "5", "1.0", "1"], "letters: argument must not be null or out of range\n"),
        (["talos-v2", "-", "5", "1.0", "1"], "letters: arithmetic and kernel must suit the model and this CPU\n"),
        (["precise", "-", "5", "17", "1"], "letters: temperature must be in the range of the arithmetic: fp32 0 or"),
    ],
)
def test_bad_input_is_one_line(program: Path, model: Path, words: list[str], message: str) -> None:
    done = run(program, model, *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1


def test_missing_arguments_are_one_line(program: Path) -> None:
    done = run(program)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "usage: letters MODEL ARITHMETIC KERNEL SEED TEMPERATURE NAMES [steps | many]\n"
