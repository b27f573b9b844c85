"""``python -m hdl``: Verilog, schedules and resources of the named cores, and the register map."""

from __future__ import annotations

import argparse
import sys
from itertools import groupby
from pathlib import Path

from hdl.core.config import CORES
from hdl.design import Design, make_design
from hdl.device.resource_report import add_resources
from hdl.registers.export import add_registers
from talos_ref.files import check_writable, write_bytes
from talos_ref.model.checkpoint import DEFAULT_PATH, load

__all__ = ["main"]


def _design(options: argparse.Namespace) -> Design:
    if options.design is not None:
        return Design.load(Path(options.design))
    if options.core is None:
        raise ValueError("core must be given, or a design")
    return make_design(options.core, load(options.weights))


def _verilog(options: argparse.Namespace) -> None:
    from hdl.verilog import core_verilog, system_verilog

    check_writable(options.out)
    make = system_verilog if options.system else core_verilog
    write_bytes(options.out, make(_design(options)).encode("ascii"))


def _schedule(options: argparse.Namespace) -> None:
    from hdl.core.core import Core
    from hdl.core.timeline import stage_cycles, timeline

    design = _design(options)
    done = timeline(Core(design), options.position)
    print(f"{design.name}: a step at position {options.position}, {done[-1].cycle} cycles")
    print(f"{'cycles':>9}  {'waits':>5}  {'operation':<10} {'matrix':<12} {'source':<10} {'destination':<12} stage")
    for _, entries in groupby(done, lambda entry: (entry.instruction.matrix, entry.waited > 0)):
        run = list(entries)
        head = run[0].instruction
        span = f"{run[0].cycle}..{run[-1].cycle}" if len(run) > 1 else str(run[0].cycle)
        print(
            f"{span:>9}  {run[0].waited or '':>5}  {head.operation.name.lower():<10} {head.matrix or '-':<12} "
            f"{head.source.name.lower():<10} {head.destination.name.lower():<12} {head.stage.name.lower()}"
        )
    print("by stage:", ", ".join(f"{stage.name.lower()} {count}" for stage, count in stage_cycles(done).items()))
    if design.arithmetic.deferred:
        print("Hidden units that are not 0 add cycles where more of them come than one a cycle; none is assumed here.")


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return its status, or 2 with a line on standard error for bad input."""
    parser = argparse.ArgumentParser(prog="python -m hdl", description="Circuits of the named cores.")
    commands = parser.add_subparsers(required=True)
    verilog = commands.add_parser("verilog", help="write one self-contained Verilog file")
    verilog.add_argument("--out", required=True, metavar="FILE.v")
    verilog.add_argument("--system", action="store_true", help="with the registers over the core")
    verilog.set_defaults(run=_verilog)
    schedule = commands.add_parser("schedule", help="print the instructions of one step and their cycles")
    schedule.add_argument("--position", type=int, default=0, metavar="P", help="of the step (default: 0)")
    schedule.set_defaults(run=_schedule)
    for command in (verilog, schedule):
        command.add_argument("--core", metavar="NAME", help=f"one of {', '.join(CORES)}")
        command.add_argument("--design", metavar="FILE", help="a saved design.json in place of core and weights")
    for command in (verilog, schedule, add_resources(commands)):
        command.add_argument(
            "--weights", default=DEFAULT_PATH, metavar="FILE", help="checkpoint (default: the committed one)"
        )
    add_registers(commands)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
