"""The report of a bitstream: what is written for programs, and what is printed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from hdl.boards.ulx3s.platform import BOARDS
from hdl.boards.ulx3s.project import BITSTREAM
from hdl.design import Design
from hdl.device.nextpnr import nextpnr_version
from hdl.device.nextpnr_report import Report
from hdl.device.yosys import yosys_version
from talos_ref.terminal import console, error_console

__all__ = ["REPORT_FILE", "Built", "load_command", "show"]

REPORT_FILE = "report.json"
_PARTS = {"luts": "TRELLIS_COMB", "registers": "TRELLIS_FF", "multipliers": "MULT18X18D", "memory_blocks": "DP16KD"}
"""Field of the report -> nextpnr's name for the part."""


@dataclass(frozen=True, kw_only=True)
class Built:
    """A bitstream of a design."""

    design: Design
    board: str
    grade: int
    seeds: dict[int, float | None]
    """Seed -> Fmax in MHz; None if its router was given up."""
    best: int
    """The seed that is kept."""
    report: Report

    @property
    def slack_ns(self) -> float:
        """How much shorter than a clock cycle the longest path is, in ns."""
        return 1e9 / self.design.clock_hz - 1e3 / self.report.fmax_mhz

    def to_json(self) -> dict[str, Any]:
        """Return what ``report.json`` holds."""
        device, report = BOARDS[self.board], self.report
        period = 1e9 / self.design.clock_hz
        return {
            "board": self.board,
            "part": device.part,
            "grade": self.grade,
            "core": self.design.name,
            "design": self.design.digest(),
            "clock_mhz": self.design.clock_hz / 1e6,
            "fmax_mhz": round(report.fmax_mhz, 2),
            "slack_ns": round(self.slack_ns, 3),
            **{field: report.used.get(kind, 0) for field, kind in _PARTS.items()},
            "available": {field: report.available.get(kind, 0) for field, kind in _PARTS.items()},
            "seed": self.best,
            "seeds": [None if fmax is None else round(fmax, 2) for _, fmax in sorted(self.seeds.items())],
            "paths": [
                {"nanoseconds": round(path.nanoseconds, 2), "slack_ns": round(period - path.nanoseconds, 2),
                 "unit": path.unit, "register": path.register}
                for path in report.paths
            ],
            "tools": [yosys_version(), nextpnr_version()],
        }  # fmt: skip


def load_command(path: Path) -> str:
    """Return the command that loads a bitstream into the board's FPGA over USB, until power is off."""
    return f"openFPGALoader --board ulx3s {path}"


def show(built: Built, folder: Path) -> int:
    """Print what came of a bitstream; return 1 if the clock is not met."""
    out, found = console(110), built.to_json()
    out.print(_parts_table(built, found))
    out.print(_paths_table(found))
    frequencies = ", ".join("not routed" if fmax is None else f"{fmax:.2f} MHz" for fmax in found["seeds"])
    out.print(f"Fmax by seed: {frequencies}; seed {built.best} kept")
    out.print(f"{folder / BITSTREAM} and {folder / REPORT_FILE} written; this loads it:", markup=False)
    # One line, however long, to be copied.
    out.print(f"  {load_command(folder / BITSTREAM)}", markup=False, soft_wrap=True)
    if built.slack_ns >= 0:
        return 0
    error_console().print(
        f"error: the clock of {found['clock_mhz']:g} MHz must be met, not {found['fmax_mhz']:.2f} MHz "
        f"(slack {found['slack_ns']:.3f} ns); take more --seeds, or --clock {int(found['fmax_mhz'])}",
        markup=False,
    )  # fmt: skip
    return 1


def _parts_table(built: Built, found: dict[str, Any]) -> Table:
    title = f"{found['core']} on {built.board} ({found['part']}, grade {built.grade}), placed and routed"
    table = Table(title=title, title_justify="left")
    for name in ("clock", "Fmax", "slack", *(field.replace("_", " ") for field in _PARTS)):
        table.add_column(name, justify="right")
    parts = [f"{found[field]:,} ({found[field] / max(found['available'][field], 1):.0%})" for field in _PARTS]
    frequency, reached = f"{found['clock_mhz']:g} MHz", f"{found['fmax_mhz']:.2f} MHz"
    table.add_row(frequency, reached, f"{found['slack_ns']:.2f} ns", *parts)
    return table


def _paths_table(found: dict[str, Any]) -> Table:
    table = Table(title="Longest paths, by where they end", title_justify="left")
    for name, justify in (("ns", "right"), ("slack", "right"), ("unit", "left"), ("register", "left")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for path in found["paths"]:
        row = (f"{path['nanoseconds']:.2f}", f"{path['slack_ns']:.2f}", path["unit"] or "(board)", path["register"])
        table.add_row(*row)
    return table
