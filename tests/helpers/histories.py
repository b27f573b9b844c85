"""The program of histories.c: a kernel's single streams against the scalar kernel's, whatever token is first."""

from __future__ import annotations

from pathlib import Path

from host_c import ARITHMETICS
from host_c.build import compile_program, sources, target_defines
from talos_ref.model.config import ModelConfig
from talos_ref.processes import capture
from talos_ref.programs import find_program

__all__ = ["HISTORIES", "assert_same_histories", "build_histories"]

HISTORIES = Path(__file__).resolve().parents[1] / "host_c" / "histories.c"
ROUNDS = 400


def build_histories(folder: Path, *, x86: bool = False, neon: bool = False) -> Path:
    """Build the program with the kernels of a processor family; those of NEON through SIMDe."""
    files, flags = [HISTORIES, *sources(x86=x86, neon=neon)], target_defines(x86=x86, neon=neon)
    return compile_program([find_program("gcc")], files, folder / "histories", flags)


def assert_same_histories(program: Path, model: Path, config: ModelConfig, arithmetic: str, kernel: str) -> None:
    """Assert that a kernel has the scalar kernel's logits, in float32 about, and that all of them were compared."""
    count = ROUNDS * config.block_size * config.vocab_size
    done = capture([str(program), str(model), str(ARITHMETICS[arithmetic]), kernel, str(ROUNDS)])
    assert (done.returncode, done.stdout) == (0, f"{count} logits agree\n"), done.stdout + done.stderr
