"""Scripts for Intel's System Console, run by plain tclsh on the simulated board."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from cosim.host.board.simulation import SimulatedBoard
from cosim.host.errors import HostError
from talos_ref.programs import find_program

__all__ = ["COMMANDS", "check_script", "relay_environment", "run_tcl"]

COMMANDS = Path(__file__).resolve().parent / "console_commands.tcl"
"""System Console's commands for tclsh; takes a script and its arguments."""
_RELAY = Path(__file__).resolve().parent / "relay.py"


def check_script(script: Path) -> str:
    """Return the path of tclsh; HostError if there is none, FileNotFoundError if there is no such script."""
    if not script.is_file():
        raise FileNotFoundError(f"script must be a file, not {script}")
    try:
        return find_program("tclsh")
    except FileNotFoundError as error:
        raise HostError(str(error)) from None


def run_tcl(board: SimulatedBoard, script: Path, arguments: Sequence[str] = ()) -> int:
    """Run a script on a simulated board, with this process's input and output, and return its exit status.

    Errors as `check_script`.
    """
    command = [check_script(script), str(COMMANDS), str(script), *arguments]
    return subprocess.run(command, env={**os.environ, **relay_environment(board.socket)}, check=False).returncode


def relay_environment(socket: Path) -> dict[str, str]:
    """Return what `COMMANDS` needs in its environment to reach the board behind a socket."""
    return {"TALOS_BOARD_RELAY": " ".join(f"{{{word}}}" for word in (sys.executable, str(_RELAY), str(socket)))}
