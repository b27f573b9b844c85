"""Tools that take a project's folder and minutes: their output in one log, the end of it in the error."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from talos_ref.processes import capture, end_of

__all__ = ["run_logged"]

_TAIL_LINES = 20


def run_logged(command: Sequence[str], folder: Path, log_name: str, name: str) -> None:
    """Run a command in a folder, with all its output in the file ``log_name`` there.

    Raises RuntimeError, with ``name`` and the end of the log, if it fails.
    """
    log = folder / log_name
    with open(log, "wb") as output:
        code = capture(command, folder, stdout=output, stderr=subprocess.STDOUT).returncode
    if code:
        raise RuntimeError(f"{name} failed with status {code}; {log} ends:\n{end_of(log, _TAIL_LINES)}")
