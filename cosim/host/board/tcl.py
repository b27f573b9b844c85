"""System Console on the simulated board: scripts and sessions in plain tclsh, and a program that starts them."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from cosim.host.board.console_options import ConsoleOptions
from cosim.host.board.simulation import SimulatedBoard
from cosim.host.errors import HostError
from talos_ref.files import write_bytes
from talos_ref.programs import find_program

__all__ = [
    "COMMANDS",
    "SESSION",
    "check_script",
    "find_tclsh",
    "relay_environment",
    "run_session",
    "run_tcl",
    "write_program",
]

COMMANDS = Path(__file__).resolve().parent / "console_commands.tcl"
"""System Console's commands for tclsh; takes a script and its arguments."""
SESSION = Path(__file__).resolve().parent / "console_session.tcl"
"""The script that takes commands from standard input; takes a script to be run before them, or ""."""
_RELAY = Path(__file__).resolve().parent / "relay.py"
_ROOT = Path(__file__).resolve().parents[3]


def find_tclsh() -> str:
    """Return the path of tclsh; HostError if there is none."""
    try:
        return find_program("tclsh")
    except FileNotFoundError as error:
        raise HostError(str(error)) from None


def check_script(script: Path) -> str:
    """Return the path of tclsh; HostError if there is none, FileNotFoundError if there is no such script."""
    if not script.is_file():
        raise FileNotFoundError(f"script must be a file, not {script}")
    return find_tclsh()


def run_tcl(board: SimulatedBoard, script: Path, arguments: Sequence[str] = ()) -> int:
    """Run a script on a simulated board, with this process's input and output, and return its exit status.

    Errors as `check_script`.
    """
    command = [check_script(script), str(COMMANDS), str(script), *arguments]
    return subprocess.run(command, env={**os.environ, **relay_environment(board.socket)}, check=False).returncode


def run_session(board: SimulatedBoard, options: ConsoleOptions) -> int:
    """Run the script of the options, or the commands of this process's input, and return the exit status.

    A session writes ``% `` when it is ready for a command, what the command returns to standard output, and what it
    fails with to standard error. It ends with the input, status 0, or by ``exit``. Errors as `check_script`.
    """
    if options.script is not None:
        return run_tcl(board, options.script, options.arguments)
    start = "" if options.rc_script is None else str(options.rc_script)
    return run_tcl(board, SESSION, [start, *options.arguments])


def write_program(path: Path, options: Sequence[str]) -> None:
    """Write a program that is ``system-console`` on a simulated board of its own, from any folder.

    ``options`` choose the design, as of ``python -m cosim.host system-console``. Raises OSError, naming the file, if it
    cannot be written.
    """
    command = shlex.join([sys.executable, "-P", "-m", "cosim.host", "system-console", *options, "--"])
    text = (
        "#!/bin/sh\n"
        "# System Console on the simulated board. Made by: python -m cosim.host system-console --program\n"
        f'PYTHONPATH={shlex.quote(str(_ROOT))}"${{PYTHONPATH:+:$PYTHONPATH}}" exec {command} "$@"\n'
    )
    write_bytes(path, text.encode()).chmod(0o755)


def relay_environment(socket: Path) -> dict[str, str]:
    """Return what `COMMANDS` needs in its environment to reach the board behind a socket."""
    return {"TALOS_BOARD_RELAY": " ".join(f"{{{word}}}" for word in (sys.executable, str(_RELAY), str(socket)))}
