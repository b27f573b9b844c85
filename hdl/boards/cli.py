"""The command line ``python -m hdl.boards check | quartus | report | mistral | bitstream``.

`commands` is a click group, which another command line can mount.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from hdl.boards.de1_soc.check import check_design, memory_counts
from hdl.boards.de1_soc.folder import write_folder
from hdl.boards.de1_soc.mistral import DIFFERENCES, find_tools, place_and_route, write_mistral
from hdl.boards.de1_soc.platform import PROJECT
from hdl.boards.de1_soc.pll import REFERENCE_HZ
from hdl.boards.de1_soc.quartus import compile_folder, report
from hdl.boards.folder import project_folder
from hdl.boards.parts.serial_protocol import BAUD
from hdl.boards.ulx3s.bitstream import MAX_SEEDS, build
from hdl.boards.ulx3s.platform import BOARDS
from hdl.boards.ulx3s.report import show
from hdl.device.ecp5 import GRADES
from hdl.options import (
    EVERY_CORE,
    Choice,
    clock_option,
    design_option,
    design_options,
    every_core_option,
    scrub_option,
    several_designs,
)
from talos_ref.command_line import SETTINGS, run
from talos_ref.options import C, Integer, OneOf, Option

__all__ = ["commands", "main"]


def _folder_options(kind: str) -> Option:
    """Add ``--out`` and ``--resources``."""

    def add(command: C) -> C:
        text = "of `make resources` (default: build/resources.json)"
        command = click.option("--resources", default="build/resources.json", metavar="FILE", help=text)(command)
        text = f"(default: build/{kind}/CORE for the committed weights, else with a digest behind CORE)"
        return click.option("--out", metavar="FOLDER", help=text)(command)

    return add


def _serial_option(command: C) -> C:
    """Add ``--serial``."""
    text = (
        f"the registers on two pins of GPIO_0 too, at BAUD bits a second ({BAUD} without a number), for --transport "
        "serial of the host; the demo writes there what it makes"
    )
    kind = Integer(1)
    return click.option("--serial", type=kind, is_flag=False, flag_value=BAUD, metavar="[BAUD]", help=text)(command)


@click.group(context_settings=SETTINGS, no_args_is_help=False)
def commands() -> None:
    """The cores on boards: projects, what can be checked of them without a board, and bitstreams."""


@commands.command()
@every_core_option
@design_option
@_serial_option
@click.option("--out", metavar="FOLDER", help="(default: build/board)")
def check(cores: tuple[str, ...], serial: int | None, out: str | None, **choice: Any) -> int:
    """Elaborate the board's Verilog in three tools, and look at its memories."""
    failed = False
    for design in several_designs(cores, Choice(**choice), EVERY_CORE):
        folder = project_folder("board", design) if out is None else Path(out) / design.name
        found = check_design(design, folder, serial)
        for line in found:
            print(line)
        failed |= bool(found)
        count = f"{len(found)} objection{'s' * (len(found) > 1)}" if found else "no objections"
        print(f"{design.name}: {count} of Verilator, Icarus and Yosys; {memory_counts(folder)}", flush=True)
    return 1 if failed else 0


@commands.command()
@design_options(cores=EVERY_CORE)
@clock_option
@scrub_option
@_serial_option
@_folder_options("quartus")
@click.option("--no-compile", is_flag=True, help="only write the project")
def quartus(serial: int | None, out: str | None, resources: str, no_compile: bool, **choice: Any) -> int:
    """Write the Quartus project, and compile it where quartus_sh is on PATH."""
    design = Choice(**choice).resolve()
    folder = project_folder("quartus", design) if out is None else Path(out)
    write_folder(folder, design, resources=Path(resources), serial_baud=serial)
    print(f"{folder} written: project of {design.name} at {design.clock_hz / 1e6:g} MHz")
    program = None if no_compile else shutil.which("quartus_sh")
    if program is None:
        why = "--no-compile was given" if no_compile else "quartus_sh is not on PATH"
        print(f"not compiled: {why}. {folder}/compile.sh compiles it, {folder}/program.sh programs the board")
        return 0
    terminal = Console(stderr=True)
    with terminal.status("compiling, some ten minutes") if terminal.is_terminal else terminal:
        compile_folder(folder, program)
    return report(folder, design, Path(resources))


@commands.command("report")
@design_options(cores=EVERY_CORE)
@_folder_options("quartus")
def read_report(out: str | None, resources: str, design: str | None, **choice: Any) -> int:
    """Read the reports of a compiled project again; --design FOLDER/design.json says where it is."""
    made = Choice(design=design, **choice).resolve()
    if out is not None:
        folder = Path(out)
    elif design is not None:
        folder = Path(design).parent
    else:
        folder = project_folder("quartus", made)
    return report(folder, made, Path(resources))


@commands.command()
@design_options(cores=EVERY_CORE)
@click.option("--out", metavar="FOLDER", help="(default: build/mistral/CORE)")
def mistral(out: str | None, **choice: Any) -> None:
    """Place and route with Yosys and nextpnr-mistral."""
    design = Choice(**choice).resolve()
    find_tools()
    folder = project_folder("mistral", design) if out is None else Path(out)
    write_mistral(folder, design)
    print(f"{folder} written: {design.name}")
    for line in DIFFERENCES:
        print(f"  {line}")
    reached = place_and_route(folder)
    print(f"nextpnr-mistral: {reached:.2f} MHz of {REFERENCE_HZ / 1e6:g} MHz; {folder}/{PROJECT}.rbf written")
    if reached * 1e6 < REFERENCE_HZ:
        raise RuntimeError(f"the clock of {REFERENCE_HZ / 1e6:g} MHz must be met, not {reached:.2f} MHz")


@commands.command()
@click.option("--board", type=OneOf(list(BOARDS)), default="ulx3s-85f", metavar="NAME",
              help=f"{', '.join(BOARDS)} (default: ulx3s-85f)")  # fmt: skip
@design_options(cores=EVERY_CORE)
@clock_option
@scrub_option
@click.option("--seeds", type=Integer(1, MAX_SEEDS), default=1, metavar="N",
              help="placements to try, as many at once as there are processors (default: 1)")  # fmt: skip
@click.option("--grade", type=Integer(GRADES[0], GRADES[-1]), default=GRADES[0], metavar="N",
              help=f"speed grade of the FPGA, {GRADES[0]} to {GRADES[-1]} (default: {GRADES[0]}, as sold)")  # fmt: skip
@click.option("--out", metavar="FOLDER", help="(default: build/bitstream/BOARD/CORE)")
def bitstream(board: str, seeds: int, grade: int, out: str | None, **choice: Any) -> int:
    """Synthesise, place, route and pack for a ULX3S, some minutes a seed; the best seed is kept."""
    design = Choice(**choice).resolve(chip=BOARDS[board].chip)
    folder = project_folder(f"bitstream/{board}", design) if out is None else Path(out)
    return show(build(design, board, folder, grade=grade, seeds=seeds), folder)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0, 1 for a failure or what was found, 2 with a line on standard error for bad input."""
    return run(commands, arguments, "python -m hdl.boards", (RuntimeError,))
