"""Rows of the public C for the same model, https://github.com/AlexCheema/talos-vs-macbook, built from a clone of it.

It is written in NEON. On x86 its intrinsics go through SIMDe (https://github.com/simd-everywhere/simde), which makes
those of this processor of them. The flags are those of its Makefile. Every gcc and clang that is there compiles it, so
that it is compared at its best.
"""

from __future__ import annotations

import platform
import re
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from host_c.bench.row import Row, Work
from talos_ref.files import make_folder, write_bytes
from talos_ref.golden.format import Q4_12
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import MICROGPT
from talos_ref.processes import capture
from talos_ref.programs import find_program

__all__ = ["best_ratios", "peer_rows"]

_NAME = "talos-vs-macbook"
_PROGRAMS = {"bench_c": "float32", "bench_c_q412": "Q4.12"}
_FLAGS = ("-O3", "-march=native", "-ffast-math")
_COMPILERS = ("gcc", "clang", "clang-19")
_ORDER = ("wte", "wpe", "layer0.wq", "layer0.wk", "layer0.wv", "layer0.wo", "layer0.fc1", "layer0.fc2", "lm_head")
_SIMDE = Path("/usr/include/simde/arm/neon.h")
_STEPS_OF_A_NAME = 6


def peer_rows(clone: Path, checkpoint: Checkpoint, folder: Path, names: int = 100_000) -> list[Work]:
    """Return a row for each of its programs and compilers, built in ``folder``; a run takes about ``names`` names.

    Raises
    ------
    ValueError
        If the checkpoint has not the published dimensions, which its programs are written for.
    FileNotFoundError
        If a source, every compiler or, on x86, SIMDe is missing.
    RuntimeError
        With the compiler's words, if a program cannot be built.
    """
    if checkpoint.config != MICROGPT:
        raise ValueError(f"--peer needs a model of the published dimensions, not {checkpoint.config}")
    sources = [clone / f"{name}.c" for name in _PROGRAMS]
    for source in sources:
        if not source.is_file():
            raise FileNotFoundError(f"--peer must be a clone of {_NAME}; {source} is not there")
    find_program(*_COMPILERS)
    flags = [*_FLAGS, *_neon_flags(folder)]
    _write_weights(checkpoint, folder)
    rows: list[Work] = []
    for source in sources:
        for compiler in filter(shutil.which, _COMPILERS):
            program = folder / f"{source.stem}.{compiler}"
            command = [compiler, *flags, str(source), "-o", str(program), "-lm"]
            done = capture(command)
            if done.returncode:
                raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
            label = f"{_NAME} {_PROGRAMS[source.stem]}, {compiler} {_version(compiler)}"
            rows.append((Row(name=label, kind="measured"), partial(_run, program, folder), names))
    return rows


def _neon_flags(folder: Path) -> list[str]:
    """Return what lets this processor have <arm_neon.h>."""
    if platform.machine().lower() in ("aarch64", "arm64"):
        return []
    if not _SIMDE.is_file():
        raise FileNotFoundError(f"{_SIMDE} was not found; install it with `sudo apt-get install -y libsimde-dev`")
    text = "#define SIMDE_ENABLE_NATIVE_ALIASES\n#include <simde/arm/neon.h>\n"
    write_bytes(make_folder(folder / "include") / "arm_neon.h", text.encode())
    return [f"-I{folder / 'include'}"]


def _write_weights(checkpoint: Checkpoint, folder: Path) -> None:
    """Write the files that its programs read: float32, and words of Q4.12, in the order of its model.py."""
    assets = make_folder(folder / "assets")
    weights = np.concatenate([checkpoint.tensors[name].ravel() for name in _ORDER]).astype("<f4")
    words = np.array([Q4_12.quantise(float(weight)) for weight in weights], "<i2")
    write_bytes(assets / "weights_fp32.bin", weights.tobytes())
    write_bytes(assets / "weights_q412.bin", words.tobytes())


def _version(compiler: str) -> str:
    found = re.search(r"\d+\.\d+[.\d]*", capture([compiler, "--version"]).stdout)
    return found[0] if found else "of an unknown version"


def _run(program: Path, folder: Path, names: int) -> int:
    """Take the steps of about ``names`` names, without a warm-up of its own, and return how many they were."""
    steps = _STEPS_OF_A_NAME * names
    done = capture([str(program), str(steps), "0"], folder)
    if done.returncode or "tok/sec" not in done.stdout:
        raise RuntimeError(f"{program} {steps} 0 failed: {done.stderr or done.stdout}")
    return steps


def best_ratios(rows: Sequence[Row]) -> dict[str, float]:
    """Return how many times the public C's steps per second this library makes on one core, best run by best run.

    A machine that is shared changes its clock from run to run, by half and more, which medians do not even out; the
    best of several runs has the highest clock in both. Names in batches are beside a single stream: the public C has
    no batches. Nothing is returned if the public C was not measured.
    """

    def best(start: str, batched: bool = False) -> float:
        return max(
            (max(row.steps_per_second) for row in rows
             if row.name.startswith(start) and row.threads == 1 and row.name.endswith(", batched") == batched),
            default=0.0,
        )  # fmt: skip

    ratios = {}
    for number, start in (("float32", "C float32"), ("Q4.12", f"C {Q4_12}")):
        peer = best(f"{_NAME} {number}")
        for kind, ours in (("one stream", best(start)), ("in batches", best(start, batched=True))):
            if peer and ours:
                ratios[f"{number}, {kind}"] = ours / peer
    return ratios
