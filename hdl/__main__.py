"""``python -m hdl``: Verilog and schedules of the named cores."""

from __future__ import annotations

import argparse
import sys
from collections import Counter

from hdl.config import CORES, core_config
from talos_ref.checkpoint import DEFAULT_PATH, load
from talos_ref.files import check_writable, write_bytes

__all__ = ["main"]


def _verilog(options: argparse.Namespace) -> None:
    from hdl.verilog import core_verilog

    check_writable(options.out)
    config = core_config(options.core)
    write_bytes(options.out, core_verilog(config, load(options.weights, config.model)).encode("ascii"))


def _schedule(options: argparse.Namespace) -> None:
    from hdl.schedule import schedule

    program = schedule(core_config(options.core))
    runs: list[list[int]] = []
    for index, instruction in enumerate(program):
        same = runs and (program[runs[-1][0]].matrix, program[runs[-1][0]].operation) == (
            instruction.matrix,
            instruction.operation,
        )
        if same and instruction.matrix:
            runs[-1].append(index)
        else:
            runs.append([index])
    print(f"{'cycles':>9}  {'operation':<10} {'matrix':<12} {'source':<10} destination")
    for indices in runs:
        head = program[indices[0]]
        span = f"{indices[0]}..{indices[-1]}" if len(indices) > 1 else str(indices[0])
        print(
            f"{span:>9}  {head.operation.name.lower():<10} {head.matrix or '-':<12} "
            f"{head.source.name.lower():<10} {head.destination.name.lower()}"
        )
    stages = Counter(instruction.stage.name.lower() for instruction in program)
    print("instructions by stage, waits not counted:", ", ".join(f"{name} {n}" for name, n in stages.items()))


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return 0, or 2 with a line on standard error for bad input."""
    parser = argparse.ArgumentParser(prog="python -m hdl", description="Circuits of the named cores.")
    commands = parser.add_subparsers(required=True)
    verilog = commands.add_parser("verilog", help="write one self-contained Verilog file")
    verilog.add_argument("--out", required=True, metavar="FILE.v")
    verilog.add_argument("--weights", default=DEFAULT_PATH, metavar="FILE", help="checkpoint (default: the committed one)")
    verilog.set_defaults(run=_verilog)
    schedule = commands.add_parser("schedule", help="print the instructions of one step")
    schedule.set_defaults(run=_schedule)
    for command in (verilog, schedule):
        command.add_argument("--core", required=True, metavar="NAME", help=f"one of {', '.join(CORES)}")
    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except (OSError, TypeError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
