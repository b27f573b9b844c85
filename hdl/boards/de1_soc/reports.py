"""Quartus's reports, read: what the fitter placed, what the timing analyser found, which memories became logic.

The layouts are those of Quartus Prime Standard and Lite 18.1 to 23.1: ``.fit.summary`` and ``.sta.summary`` are lines
of ``name : value``, ``.rpt`` tables whose rows start and end with a semicolon.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "DSP_TOTAL",
    "Fit",
    "Slack",
    "Timing",
    "read_dsp_modes",
    "read_fit",
    "read_timing",
    "read_uninferred",
]


DSP_TOTAL = "Total number of DSP blocks"
"""The row of the fitter's table of DSP blocks that adds up the others."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Parts that the fitter used, and that the device has."""

    alms: int
    device_alms: int
    registers: int
    dsp_blocks: int
    device_dsp_blocks: int
    m10k: int
    device_m10k: int


@dataclass(frozen=True, kw_only=True)
class Slack:
    """The worst slack of one clock in one analysis."""

    analysis: str
    """Such as ``Slow 1100mV 85C Model Setup``."""
    clock: str
    nanoseconds: float


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What the timing analyser found."""

    slacks: tuple[Slack, ...]
    corner_fmax_mhz: dict[str, dict[str, float]]
    """Corner, such as ``Slow 1100mV 85C`` -> clock -> the highest frequency that it could have, in MHz."""
    unconstrained_clocks: int

    @property
    def fmax_mhz(self) -> dict[str, float]:
        """Clock -> the highest frequency that it could have, in MHz, of the slowest corner."""
        slowest: dict[str, float] = {}
        for clocks in self.corner_fmax_mhz.values():
            for clock, mhz in clocks.items():
                slowest[clock] = min(mhz, slowest.get(clock, mhz))
        return slowest

    @property
    def worst(self) -> Slack:
        """The smallest slack of all clocks and analyses."""
        return min(self.slacks, key=lambda slack: slack.nanoseconds)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing: Quartus did not come that far") from None


def _rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of all table rows of a report."""
    for line in text.splitlines():
        if line.startswith(";") and line.rstrip().endswith(";"):
            yield [cell.strip() for cell in line.strip().strip(";").split(";")]


def _usage(text: str, name: str, path: Path) -> tuple[int, int]:
    """Return used and available of a line ``name : used / available ( share % )``; available 0 if it is not given."""
    found = re.search(rf"^{re.escape(name)} : ([\d,]+)(?: / ([\d,]+))?", text, re.M)
    if found is None:
        raise ValueError(f"{path} must have a line {name!r}")
    used, available = (int((part or "0").replace(",", "")) for part in found.groups())
    return used, available


def read_fit(output: Path, revision: str) -> Fit:
    """Return what the fitter reports in a folder; FileNotFoundError or ValueError, with the file, if it does not."""
    path = output / f"{revision}.fit.summary"
    summary = _read(path)
    status = re.search(r"^Fitter Status : (.*)$", summary, re.M)
    if status is None or not status[1].startswith("Successful"):
        raise ValueError(f"{path} must tell of a success, not {status[1] if status else 'nothing'!r}")
    alms, device_alms = _usage(summary, "Logic utilization (in ALMs)", path)
    dsp_blocks, device_dsp_blocks = _usage(summary, "Total DSP Blocks", path)
    m10k, device_m10k = _usage(summary, "Total RAM Blocks", path)
    return Fit(
        alms=alms,
        device_alms=device_alms,
        registers=_usage(summary, "Total registers", path)[0],
        dsp_blocks=dsp_blocks,
        device_dsp_blocks=device_dsp_blocks,
        m10k=m10k,
        device_m10k=device_m10k,
    )


def read_dsp_modes(output: Path, revision: str) -> dict[str, int]:
    """Return mode -> DSP blocks of the fitter's table of them, such as ``Two Independent 18x18``; errors as `read_fit`.

    ``Total number of DSP blocks`` is among them.
    """
    path = output / f"{revision}.fit.rpt"
    found: dict[str, int] = {}
    inside = False
    for cells in _rows(_read(path)):
        if len(cells) == 1:
            inside = cells[0] == "Fitter DSP Block Usage Summary"
        elif inside and len(cells) == 2 and cells[1].replace(",", "").isdecimal():
            found[cells[0]] = int(cells[1].replace(",", ""))
            if cells[0] == DSP_TOTAL:
                return found
    raise ValueError(f"{path} must have a table 'Fitter DSP Block Usage Summary' with a row {DSP_TOTAL!r}")


def _fmax(report: str) -> dict[str, dict[str, float]]:
    """Return corner -> clock -> MHz from the tables ``CORNER Model Fmax Summary``."""
    found: dict[str, dict[str, float]] = {}
    inside: dict[str, float] | None = None
    for cells in _rows(report):
        if len(cells) == 1:
            corner = cells[0].removesuffix(" Model Fmax Summary")
            inside = None if corner == cells[0] else found.setdefault(corner, {})
        elif inside is not None and len(cells) >= 3 and (value := re.fullmatch(r"([\d.]+) MHz", cells[0])):
            inside[cells[2]] = min(float(value[1]), inside.get(cells[2], float("inf")))
    return found


def read_timing(output: Path, revision: str) -> Timing:
    """Return what the timing analyser reports in a folder; errors as ``read_fit``."""
    path, report_path = output / f"{revision}.sta.summary", output / f"{revision}.sta.rpt"
    pattern = r"^Type\s*: (.+?) '(.+)'\nSlack\s*: (-?[\d.]+)\s*$"
    slacks = tuple(
        Slack(analysis=analysis, clock=clock, nanoseconds=float(value))
        for analysis, clock, value in re.findall(pattern, _read(path), re.M)
    )
    if not any(slack.analysis.endswith("Setup") for slack in slacks):
        raise ValueError(f"{path} must have a setup slack: no clock was analysed")
    report = _read(report_path)
    unconstrained = [cells for cells in _rows(report) if cells[0] == "Unconstrained Clocks" and len(cells) == 3]
    if not unconstrained:
        raise ValueError(f"{report_path} must have a row 'Unconstrained Clocks'")
    return Timing(
        slacks=slacks,
        corner_fmax_mhz=_fmax(report),
        unconstrained_clocks=max(int(count) for count in unconstrained[0][1:]),
    )


def read_uninferred(output: Path, revision: str) -> list[str]:
    """Return the messages 276004 and 276007 of analysis and synthesis: memories that were made of logic."""
    lines = _read(output / f"{revision}.map.rpt").splitlines()
    return [line.strip() for line in lines if re.search(r"\((276004|276007)\)", line)]
