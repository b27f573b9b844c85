"""The command line ``python -m hdl``: Verilog, schedules and resources of a core, and its register map.

`commands` is a click group, which another command line can mount.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import click

from hdl.device.calibrate import calibrate
from hdl.device.resource_report import resources
from hdl.device.target import GENERIC
from hdl.device.targets import TARGETS
from hdl.options import EVERY_CORE, Choice, design_options
from hdl.registers.export import FORMATS
from hdl.registers.maps import registers_of
from talos_ref.command_line import SETTINGS, emit, run
from talos_ref.files import check_writable, make_folder, write_bytes
from talos_ref.options import Integer, OneOf, out_option, weights_option

__all__ = ["commands", "main"]


@click.group(context_settings=SETTINGS, no_args_is_help=False)
def commands() -> None:
    """Circuits: Verilog, schedules, registers, and what they take of the device."""


commands.add_command(resources)
commands.add_command(calibrate)


@commands.command()
@design_options(cores=EVERY_CORE)
@click.option("--system", is_flag=True, help="with the registers over the core")
@click.option("--target", type=OneOf(list(TARGETS)), default=GENERIC.name, metavar="NAME",
              help=f"device that it is for: {', '.join(TARGETS)} (default: {GENERIC.name})")  # fmt: skip
@click.option("--out", metavar="FILE.v", help="default: build/verilog/CORE.v")
def verilog(out: str | None, system: bool, target: str, **options: Any) -> None:
    """Write one self-contained Verilog file, weights included."""
    from hdl.verilog import core_verilog, system_verilog

    if out is not None:
        check_writable(out)
    design = Choice(**options).resolve()
    if out is None:
        file = f"{design.name}_system.v" if system else f"{design.name}.v"
        out = str(check_writable(make_folder("build/verilog") / file))
    path = write_bytes(out, (system_verilog if system else core_verilog)(design, TARGETS[target]).encode("ascii"))
    # A pipe or a terminal gets the Verilog alone.
    if path.is_file():
        emit([f"{path} written: {design.name}, weights and all, in words of {design.word}"])


@commands.command()
@design_options()
@click.option("--position", type=Integer(), default=0, metavar="P", help="of the step (default: 0)")
@out_option
def schedule(position: int, out: str | None, **options: Any) -> None:
    """Print the instructions of one step and their cycles."""
    emit(_schedule(position, **options), out)


def _schedule(position: int, **options: Any) -> Iterator[str]:
    from hdl.core.core import Core
    from hdl.core.timeline import stage_cycles, timeline

    design = Choice(**options).resolve()
    done = timeline(Core(design), position)
    yield f"{design.name}: a step at position {position}, {done[-1].cycle} cycles"
    yield f"{'cycles':>9}  {'waits':>5}  {'operation':<10} {'matrix':<12} {'source':<10} {'destination':<12} stage"
    for _, entries in groupby(done, lambda entry: (entry.instruction.matrix, entry.waited > 0)):
        steps = list(entries)
        head = steps[0].instruction
        span = f"{steps[0].cycle}..{steps[-1].cycle}" if len(steps) > 1 else str(steps[0].cycle)
        yield (
            f"{span:>9}  {steps[0].waited or '':>5}  {head.operation.name.lower():<10} {head.matrix or '-':<12} "
            f"{head.source.name.lower():<10} {head.destination.name.lower():<12} {head.stage.name.lower()}"
        )
    yield "by stage: " + ", ".join(f"{stage.name.lower()} {count}" for stage, count in stage_cycles(done).items())
    if design.arithmetic.deferred:
        yield "Hidden units that are not 0 add cycles where more of them come than one a cycle; none is assumed here."


@commands.command()
@design_options()
@out_option
def diagram(out: str | None, **options: Any) -> None:
    """Draw the units of a core and what passes between them, as SVG."""
    from hdl.block_diagram import block_diagram

    emit(block_diagram(Choice(**options).resolve()).splitlines(), out)


@commands.command()
@click.option("--format", "language", required=True, type=OneOf(list(FORMATS)), metavar="NAME",
              help=f"of the output: {', '.join(FORMATS)}")  # fmt: skip
@click.option("--core", type=OneOf(list(EVERY_CORE)), metavar="NAME", help=f"{', '.join(EVERY_CORE)}")
@weights_option
@click.option("--design", metavar="FILE", help="design.json of a folder, in place of core and weights")
@out_option
def registers(language: str, out: str | None, **options: Any) -> None:
    """Write a design's register map as C header, Tcl constants or page."""
    emit(FORMATS[language](registers_of(Choice(**options).shape())).splitlines(), out)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0, 2 for bad input, 1 for a failure; errors are one line each."""
    return run(commands, arguments, "python -m hdl")
