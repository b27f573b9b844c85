"""Quartus, where it is installed: compile a project's folder, and say what it made of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from hdl.boards.de1_soc.pair import add_pair, fitted_pair
from hdl.boards.de1_soc.platform import PROJECT
from hdl.boards.de1_soc.reports import (
    DSP_TOTAL,
    Fit,
    Timing,
    read_dsp_modes,
    read_fit,
    read_timing,
    read_uninferred,
)
from hdl.boards.de1_soc.scripts import OUTPUT
from hdl.boards.folder import synthesised
from hdl.boards.tools import run_logged
from hdl.core.estimate import dsp_modes
from hdl.design import Design
from hdl.device.calibration import known_calibration
from hdl.device.target import DspMode
from talos_ref.terminal import console

__all__ = ["compile_folder", "core_fmax", "dsp_verdict", "report", "verdict"]

_LOG = "compile.log"
_DSP_TITLES = {DspMode.PAIR: "Two Independent 18x18", DspMode.SUM: "Sum of two 18x18"}
"""What the fitter calls the modes."""


def compile_folder(folder: Path, program: str) -> None:
    """Compile a project with ``quartus_sh``; RuntimeError, with the end of the log, if that fails.

    Reports of an earlier compilation are removed first, so that what is read afterwards is of this one.
    """
    for old in (folder / OUTPUT).glob(f"{PROJECT}.*"):
        old.unlink()
    run_logged([program, "-t", "compile.tcl"], folder, _LOG, "quartus_sh")


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


def dsp_verdict(modes: Mapping[str, int], design: Design) -> list[str]:
    """Return where the fitter's DSP blocks, mode -> number, are not those of a design, a line each."""
    counted = dsp_modes(design.core)
    expected = {title: counted[mode] for mode, title in _DSP_TITLES.items()}
    expected[DSP_TOTAL] = sum(counted.values())
    return [
        f"DSP blocks must be {number} of {title!r}, not {modes.get(title, 0)}: Quartus made something else of them"
        for title, number in expected.items()
        if modes.get(title, 0) != number
    ]


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


def report(folder: Path, design: Design, resources: Path) -> int:
    """Print what Quartus's reports in a project's folder say beside the estimates.

    Returns 1 if timing is not met, or if the DSP blocks are not those that were counted.

    Both go to the user's table of pairs, too.

    Raises FileNotFoundError or ValueError, naming the file, if a report is missing or tells of no success.
    """
    output = folder / OUTPUT
    fit, timing = read_fit(output, PROJECT), read_timing(output, PROJECT)
    out = console(130)
    expected = synthesised(design, resources)
    out.print(_table(design.name, fit, expected))
    if expected is not None:
        low, high = known_calibration().alms(expected["alms"])
        out.print(f"ALMs: {low:,} to {high:,} were to be expected, by fits of other designs")
    fastest = core_fmax(timing)
    out.print(f"Fmax {fastest[1]:.2f} MHz ({fastest[0]})" if fastest else "Fmax is not reported", markup=False)
    worst = timing.worst
    out.print(f"worst slack {worst.nanoseconds:.3f} ns: {worst.analysis} of {worst.clock}", markup=False)
    for line in read_uninferred(output, PROJECT):
        out.print(f"memory made of logic: {line}", markup=False)
    modes = read_dsp_modes(output, PROJECT)
    listed = ", ".join(f"{number} {title}" for title, number in modes.items() if title != DSP_TOTAL)
    unlike = dsp_verdict(modes, design)
    out.print(f"DSP blocks: {listed}{'' if unlike else ', as counted'}", markup=False)
    clock = fastest[0] if fastest else None
    pair = fitted_pair(folder, design, resources, fit=fit, timing=timing, clock=clock)
    out.print(add_pair(pair), markup=False, soft_wrap=True)
    failed = [*unlike, *verdict(timing)]
    err = Console(stderr=True, soft_wrap=True, highlight=False)
    for line in failed:
        err.print(f"error: {line}", markup=False)
    return 1 if failed else 0
