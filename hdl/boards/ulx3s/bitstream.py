"""A bitstream: several seeds side by side, the best one kept, and a report of it."""

from __future__ import annotations

import json
import os
import re
from concurrent.futures import as_completed
from pathlib import Path

from hdl.boards.folder import write_project
from hdl.boards.progress import Say, task_lines
from hdl.boards.ulx3s.fit import check_cells, check_fit
from hdl.boards.ulx3s.platform import BOARDS
from hdl.boards.ulx3s.pll import pll_settings
from hdl.boards.ulx3s.project import BITSTREAM, Stuck, place_and_route, read_cells, read_seed, synthesise, write_plan
from hdl.boards.ulx3s.report import REPORT_FILE, Built
from hdl.design import Design
from hdl.device.ecp5 import Ecp5
from hdl.device.nextpnr import nextpnr_version, phase_of
from hdl.device.nextpnr_report import Report
from hdl.device.yosys import yosys_version
from talos_ref.files import write_bytes
from talos_ref.processes import workers

__all__ = ["MAX_SEEDS", "build"]

MAX_SEEDS = 64


def build(design: Design, board: str, folder: Path, *, grade: int, seeds: int) -> Built:
    """Make the bitstream of a design, with seeds 1 to ``seeds``, and write it and its report into a folder.

    As many seeds run at once as there are processors. What is in the build cache is not made again. A seed whose router
    does not come to an end is given up, and the others are kept. Progress goes to standard error.

    Raises ValueError, before anything runs, if the clock cannot be made or the device has too few multipliers or memory
    blocks for the core, and after synthesis if it has too few look-up tables; RuntimeError, with the end of its output,
    if a tool fails, or of the first seed if all are given up; FileNotFoundError if a tool is missing.
    """
    device = BOARDS[board]
    pll_settings(design.clock_hz)
    check_fit(design, device)
    # Each lets the program of PyPI compile itself, before several want it.
    yosys_version(), nextpnr_version()
    with task_lines() as say:
        reports = _run_seeds(design, device, grade, seeds, say)
    best = max(reports, key=lambda seed: reports[seed][1].fmax_mhz)
    built = Built(
        design=design, board=board, grade=grade,
        seeds={seed: reports[seed][1].fmax_mhz if seed in reports else None for seed in range(1, seeds + 1)},
        best=best, report=reports[best][1],
    )  # fmt: skip
    write_project(folder, {REPORT_FILE: json.dumps(built.to_json(), indent=1) + "\n"}, design)
    write_bytes(folder / BITSTREAM, (reports[best][0] / BITSTREAM).read_bytes())
    return built


def _run_seeds(
    design: Design, device: Ecp5, grade: int, seeds: int, say: Say
) -> dict[int, tuple[Path, Report]]:
    say("netlist", "generating")
    plan = write_plan(design, device, grade)
    say("netlist", "synthesis")
    synthesis = synthesise(design, plan, lambda line: _tell(say, "netlist", _pass_of(line)))
    check_cells(design, device, read_cells(synthesis))
    say("netlist", "done")

    def run(seed: int) -> tuple[Path, Report] | Stuck:
        task = f"seed {seed}"
        say(task, "started")
        try:
            folder = place_and_route(
                design, device, plan, synthesis, seed, lambda line: _tell(say, task, phase_of(line))
            )
        except Stuck as error:
            say(task, "given up")
            return error
        report = read_seed(plan, folder)
        say(task, f"{report.fmax_mhz:.2f} MHz")
        return folder, report

    with workers(min(seeds, os.cpu_count() or 1)) as pool:
        running = {pool.submit(run, seed): seed for seed in range(1, seeds + 1)}
        found = {running[done]: done.result() for done in as_completed(running)}
    reports = {seed: one for seed, one in sorted(found.items()) if not isinstance(one, Stuck)}
    if not reports:
        raise next(one for _, one in sorted(found.items()) if isinstance(one, Stuck))
    return reports


def _tell(say: Say, task: str, phase: str | None) -> None:
    if phase is not None:
        say(task, phase)


def _pass_of(line: str) -> str | None:
    """Return the pass that Yosys begins with a line of its output: the outermost two numbers tell."""
    found = re.match(r"^\d+\.\d+\. Executing (\S+) pass", line)
    return None if found is None else f"synthesis, {found[1].lower()}"
