"""What Quartus made of a design, beside our estimates of it, as a line of a table of pairs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hdl.boards.de1_soc.platform import PROJECT
from hdl.boards.de1_soc.reports import Fit, Timing
from hdl.boards.de1_soc.scripts import OUTPUT
from hdl.boards.folder import counted_row
from hdl.design import Design
from hdl.device.pairs import Estimate, Pair, VendorFit, append_pair
from talos_ref.files import build_root

__all__ = ["PAIRS", "add_pair", "fitted_pair"]

PAIRS = "pairs.jsonl"
"""The user's own table, in the build folder."""

_SOURCE = "Quartus's reports, read by `make quartus`"


def _estimate(row: dict[str, Any] | None) -> Estimate | None:
    """Return the estimate in a row of ``make resources``; None if there is no row, or it is of an older version."""
    if row is None or "synthesis" not in row:
        return None
    fields = {"synthesis": row["synthesis"], "core_cells": row["cells"], "longest_paths": row["longest_paths"]}
    return Estimate.from_json(fields)


def _entry(text: str, name: str) -> str:
    """Return what stands behind ``name :`` in a summary; empty if it does not stand there."""
    found = re.search(rf"^{re.escape(name)} : (.*)$", text, re.M)
    return found[1].strip() if found else ""


def _seed(output: Path) -> int | None:
    path = output / f"{PROJECT}.fit.rpt"
    if not path.exists():
        return None
    row = r"^; Fitter Initial Placement Seed *; (\d+) *;"
    found = re.search(row, path.read_text(encoding="utf-8", errors="replace"), re.M)
    return int(found[1]) if found else None


def fitted_pair(
    folder: Path, design: Design, resources: Path, *, fit: Fit, timing: Timing, clock: str | None
) -> Pair:
    """Return the pair of a compiled project.

    Parameters
    ----------
    resources
        What ``make resources`` wrote, if it did; without it the pair has no estimate.
    fit, timing
        As read from the project's reports.
    clock
        The core's, as the reports name it; None if they do not.

    Raises ValueError if ``resources`` is another file.
    """
    output = folder / OUTPUT
    summary = (output / f"{PROJECT}.fit.summary").read_text(encoding="utf-8", errors="replace")
    setup = " Model Setup"
    return Pair(
        design=design.name,
        digest=design.digest(),
        source=_SOURCE,
        tool=f"Quartus Prime {_entry(summary, 'Quartus Prime Version')}",
        device=_entry(summary, "Device"),
        date=_entry(summary, "Fitter Status").partition(" - ")[2],
        seed=_seed(output),
        estimate=_estimate(counted_row(design, resources)),
        fit=VendorFit(
            alms=fit.alms,
            registers=fit.registers,
            dsp_blocks=fit.dsp_blocks,
            m10k=fit.m10k,
            clock_mhz=design.clock_hz / 1e6,
            setup_slack_ns={
                slack.analysis.removesuffix(setup): slack.nanoseconds
                for slack in timing.slacks
                if slack.clock == clock and slack.analysis.endswith(setup)
            },
            fmax_mhz={
                corner: clocks[clock] for corner, clocks in timing.corner_fmax_mhz.items() if clock in clocks
            },
        ),
    )  # fmt: skip


def add_pair(pair: Pair) -> str:
    """Add a pair to the user's table and return what to say about it; OSError if the table cannot be written."""
    path = build_root() / PAIRS
    new = append_pair(path, pair)
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    said = f"{shown}: this fit is {'added as its last line' if new else 'there already'}"
    if pair.estimate is None:
        return (
            f"{said}, without our estimates; `make resources CORE={pair.design}`, then `python -m hdl.boards report` "
            "with the options of this command add them"
        )
    return f"{said}. No fit of these cores by Quartus is known to us: please send us that line in an issue"
