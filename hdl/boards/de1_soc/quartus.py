"""``python -m hdl.boards quartus``: the project's folder, and where Quartus is at hand what it makes of it."""

from __future__ import annotations

import argparse
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from hdl.boards.de1_soc.folder import estimate, write_folder
from hdl.boards.de1_soc.platform import PROJECT
from hdl.boards.de1_soc.reports import Fit, Timing, read_fit, read_timing, read_uninferred
from hdl.boards.de1_soc.scripts import OUTPUT
from hdl.core.config import CLOCK_HZ, core_config
from hdl.design import make_design
from talos_ref.model.checkpoint import DEFAULT_PATH, load

__all__ = ["add_quartus", "compile_folder", "core_fmax", "report", "verdict"]

_LOG = "compile.log"
_TAIL_LINES = 20


def compile_folder(folder: Path, program: str) -> None:
    """Compile a project with ``quartus_sh``; RuntimeError, with the end of the log, if that fails.

    Reports of an earlier compilation are removed first, so that what is read afterwards is of this one.
    """
    for old in (folder / OUTPUT).glob(f"{PROJECT}.*"):
        old.unlink()
    log = folder / _LOG
    with open(log, "wb") as output:
        code = subprocess.run(
            [program, "-t", "compile.tcl"], cwd=folder, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, check=False,
        ).returncode  # fmt: skip
    if code:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])
        raise RuntimeError(f"quartus_sh failed with status {code}; {log} ends:\n{tail}")


def verdict(timing: Timing) -> list[str]:
    """Return what is wrong with the timing, a line each."""
    lines = [
        f"slack must not be negative: {slack.nanoseconds:.3f} ns, {slack.analysis} of {slack.clock}"
        for slack in timing.slacks
        if slack.nanoseconds < 0
    ]
    if timing.unconstrained_clocks:
        lines.append(f"{timing.unconstrained_clocks} clocks have no constraint, so that their paths were not analysed")
    return lines


def core_fmax(timing: Timing) -> tuple[str, float] | None:
    """Return the PLL's output clock and the highest frequency that it could have, in MHz, or None."""
    outputs = [(mhz, clock) for clock, mhz in timing.fmax_mhz.items() if clock.endswith("|divclk")]
    return min(outputs)[::-1] if outputs else None


def _table(core: str, fit: Fit, expected: dict[str, int] | None) -> Table:
    table = Table(title=f"{core} in Quartus", title_justify="left")
    table.add_column("part")
    for column in ("placed", "share", "estimate (the core alone)", "device"):
        table.add_column(column, justify="right")
    rows = (
        ("ALMs", "alms", fit.alms, fit.device_alms),
        ("DSP blocks", "dsp_blocks", fit.dsp_blocks, fit.device_dsp_blocks),
        ("M10K", "m10k", fit.m10k, fit.device_m10k),
    )
    for title, name, used, available in rows:
        share = f"{used / available:.0%}" if available else ""
        table.add_row(title, f"{used:,}", share, f"{expected[name]:,}" if expected else "", f"{available:,}")
    table.add_row("registers", f"{fit.registers:,}", "", "", "")
    return table


def report(folder: Path, core: str, resources: Path) -> int:
    """Print what Quartus's reports in a project's folder say beside the estimates; return 1 if timing is not met.

    Raises FileNotFoundError or ValueError, naming the file, if a report is missing or tells of no success.
    """
    output = folder / OUTPUT
    fit, timing = read_fit(output, PROJECT), read_timing(output, PROJECT)
    console = Console(highlight=False, width=None if Console().is_terminal else 130)
    console.print(_table(core, fit, estimate(core, resources)))
    fastest = core_fmax(timing)
    console.print(f"Fmax {fastest[1]:.2f} MHz ({fastest[0]})" if fastest else "Fmax is not reported", markup=False)
    worst = timing.worst
    console.print(f"worst slack {worst.nanoseconds:.3f} ns: {worst.analysis} of {worst.clock}", markup=False)
    for line in read_uninferred(output, PROJECT):
        console.print(f"memory made of logic: {line}", markup=False)
    failed = verdict(timing)
    err = Console(stderr=True, soft_wrap=True, highlight=False)
    for line in failed:
        err.print(f"error: {line}", markup=False)
    return 1 if failed else 0


def _megahertz(text: str) -> int:
    """Return a frequency in Hz from one in MHz with at most six decimals."""
    try:
        hertz = Decimal(text) * 1_000_000
        if hertz == int(hertz):
            return int(hertz)
    except (ArithmeticError, ValueError):
        pass
    raise argparse.ArgumentTypeError(f"frequency must be a number of MHz with at most six decimals, not {text!r}")


def _folder(options: argparse.Namespace) -> Path:
    core_config(options.core)
    return Path(options.out or f"build/quartus/{options.core}")


def _quartus(options: argparse.Namespace) -> int:
    design, folder = make_design(options.core, load(options.weights), clock_hz=options.clock), _folder(options)
    resources = Path(options.resources)
    write_folder(folder, design, resources=resources)
    print(f"{folder} written: project of {design.name} at {options.clock / 1e6:g} MHz")
    program = None if options.no_compile else shutil.which("quartus_sh")
    if program is None:
        why = "--no-compile was given" if options.no_compile else "quartus_sh is not on PATH"
        print(f"not compiled: {why}. {folder}/compile.sh compiles it, {folder}/program.sh programs the board")
        return 0
    console = Console(stderr=True)
    with console.status("compiling, some ten minutes") if console.is_terminal else console:
        compile_folder(folder, program)
    return report(folder, design.name, resources)


def _report(options: argparse.Namespace) -> int:
    return report(_folder(options), options.core, Path(options.resources))


def add_quartus(commands: Any) -> tuple[Any, Any]:
    """Add the commands ``quartus`` and ``report``; return their parsers."""
    quartus = commands.add_parser(
        "quartus", help="write the Quartus project, and compile it where quartus_sh is on PATH"
    )
    quartus.add_argument("--clock", type=_megahertz, default=CLOCK_HZ, metavar="MHZ", help="default: 56.25")
    quartus.add_argument("--no-compile", action="store_true", help="only write the project")
    quartus.add_argument("--weights", default=DEFAULT_PATH, metavar="FILE", help="default: the committed checkpoint")
    quartus.set_defaults(run=_quartus)
    read = commands.add_parser("report", help="read the reports of a compiled project again")
    read.set_defaults(run=_report)
    for parser in (quartus, read):
        parser.add_argument("--out", metavar="FOLDER", help="default: build/quartus/CORE")
        parser.add_argument("--resources", default="build/resources.json", metavar="FILE", help="of `make resources`")
    return quartus, read
