"""The library built for other processors and run here: ARM under qemu-user, and the NEON files natively through SIMDe.

An emulator says what is computed and how many instructions that takes, never how fast.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from host_c.build import LIBRARY, compile_program, sources, target_defines
from talos_ref.processes import capture, started
from talos_ref.programs import find_program

__all__ = ["Target", "TARGETS", "SIMDE", "build_letters", "run_letters", "instructions_per_step"]


@dataclass(frozen=True, kw_only=True)
class Target:
    """A processor, the compiler that builds for it and the emulator that runs it."""

    name: str
    compiler: tuple[str, ...]
    flags: tuple[str, ...]
    emulator: tuple[str, ...]


TARGETS = (
    Target(
        name="A64 NEON", compiler=("aarch64-linux-gnu-gcc",), flags=("-static",), emulator=("qemu-aarch64",),
    ),
    # The processor of the DE1-SoC; -mcpu leaves fused multiply-add out.
    Target(
        name="ARMv7 NEON (Cortex-A9)", compiler=("arm-linux-gnueabihf-gcc",),
        flags=("-static", "-mcpu=cortex-a9", "-mfpu=neon"), emulator=("qemu-arm",),
    ),
)  # fmt: skip
"""What is emulated."""
SIMDE = Target(name="NEON through SIMDe", compiler=("gcc",), flags=(), emulator=())
"""The same files on this processor."""


def build_letters(target: Target, folder: Path) -> Path:
    """Build host_c/library/letters.c with the NEON kernels; FileNotFoundError if a program is missing."""
    for program in (target.compiler[0], *target.emulator):
        find_program(program)
    files = [*sources(neon=True), LIBRARY / "letters.c"]
    return compile_program(target.compiler, files, folder / "letters", [*target.flags, *target_defines(neon=True)])


def _command(program: Path, model: Path, arithmetic: str, kernel: str, seed: int, temperature: float) -> list[str]:
    return [str(program), str(model), arithmetic, kernel, str(seed), repr(temperature)]


def run_letters(
    target: Target,
    program: Path,
    model: Path,
    *,
    arithmetic: str,
    kernel: str,
    seed: int,
    temperature: float,
    names: int,
    mode: str | None = None,
) -> str:
    """Return what letters prints, in its ``mode``, steps or many; RuntimeError with its words if it fails."""
    command = [*target.emulator, *_command(program, model, arithmetic, kernel, seed, temperature), str(names)]
    result = capture([*command, *([] if mode is None else [mode])])
    if result.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {result.stderr}")
    return result.stdout


def _executed(
    target: Target, program: Path, model: Path, arithmetic: str, kernel: str, names: int, mode: str | None
) -> tuple[int, int]:
    """Return (instructions executed, steps taken) of a whole run."""
    # One translated block an instruction, none chained, each logged as it runs.
    command = [*target.emulator, "-singlestep", "-d", "exec,nochain", "-D", "/dev/stderr"]
    command += [*_command(program, model, arithmetic, kernel, 2, 0.5), str(names), *([] if mode is None else [mode])]
    with started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        executed = sum(line.startswith("Trace") for line in process.stderr)
        output = process.stdout.read()
        process.wait()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed")
    return executed, int(output.split()[-2])


def instructions_per_step(
    target: Target, program: Path, model: Path, arithmetic: str, kernel: str = "neon", names: int = 60,
    mode: str | None = None,
) -> float:  # fmt: skip
    """Return the instructions of one sampled step, counted by qemu: two runs of different length, subtracted.

    Seed 2, temperature 0.5, after ``names / 3`` names and over ``2/3 · names`` names.
    """
    few = _executed(target, program, model, arithmetic, kernel, names // 3, mode)
    many = _executed(target, program, model, arithmetic, kernel, names, mode)
    return (many[0] - few[0]) / (many[1] - few[1])
