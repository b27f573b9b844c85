"""Programs from PyPI that are WebAssembly: the cache that they compile themselves into, and who does so."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from filelock import FileLock

from talos_ref.files import build_root
from talos_ref.processes import capture, end_of, execute

__all__ = ["environment", "failure", "find", "run_program", "version"]

_CACHE = "YOWASP_CACHE_DIR"
_COMPILING = "Preparing to run"
"""How a program of PyPI begins the line in which it says that it compiles itself first."""
_TAIL_LINES = 10


def environment() -> dict[str, str]:
    """Return the environment variables for such a program.

    It compiles itself once, into a cache that it expects in the user's home: there may be none.
    """
    return {_CACHE: str(build_root() / "yowasp"), **os.environ}


def find(name: str, package: str, *, native: bool = True) -> Path:
    """Return a program: a native one on PATH, or else the one of PyPI beside this Python; without ``native`` only that.

    Raises FileNotFoundError, with the package that brings it, if there is neither.
    """
    beside = Path(sys.executable).parent / f"yowasp-{name}"
    of_pypi = str(beside) if beside.exists() else shutil.which(f"yowasp-{name}")
    for program in (shutil.which(name) if native else None, of_pypi):
        if program is not None:
            return Path(program)
    raise FileNotFoundError(f"{name} was not found; `make setup` installs {package}")


def version(program: Path, option: str, begin: str) -> str:
    """Return the line with ``begin`` in it of what a program says of itself under an option.

    The first call in a build folder lets the program of PyPI compile itself, half a minute, by one process alone: it
    says so on its output, and others would read what it has half written. Raises RuntimeError if it fails.
    """
    variables = environment()
    folder = Path(variables[_CACHE])
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        done = capture([str(program), option], environment=variables)
    lines = (done.stdout + done.stderr).split("\n")
    found = next((line.strip() for line in lines if begin in line and not line.startswith(_COMPILING)), None)
    if done.returncode or found is None:
        said = " ".join((done.stdout + done.stderr).split())[-500:]
        raise RuntimeError(f"{program} {option} failed with status {done.returncode}: {said}")
    return found


def run_program(
    program: Path,
    arguments: Sequence[str],
    folder: Path,
    log_name: str,
    on_line: Callable[[str], None] | None = None,
    give_up: Callable[[], bool] | None = None,
) -> bool:
    """Run a program in a folder, with its output in the file ``log_name`` there; it does not outlive this process.

    ``on_line`` is called with each line of output, and ``give_up`` asked every second whether the program is to be
    ended; return False if it was. Programs of PyPI see files below the folder only, so that arguments must name them
    relatively. Raises RuntimeError, with the end of the output, if the program fails.
    """
    log = folder / log_name
    code = execute([str(program), *arguments], folder, environment(), log, on_line=on_line, give_up=give_up)
    if code:
        raise failure(program, code, log)
    return code is not None


def failure(program: Path, code: int | None, log: Path) -> RuntimeError:
    """Return what to raise of a program that failed: its status, and the end of the log of its output."""
    return RuntimeError(f"{program.name} failed with status {code}; its output ends:\n{end_of(log, _TAIL_LINES)}")
