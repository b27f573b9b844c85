"""The comparison as a chart: steps per second on a log scale, one colour for each kind of figure."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from host_c.bench.row import Row, ratio_text
from host_c.bench.rows import base_row
from talos_ref.files import write_bytes

__all__ = ["write_chart"]

COLOURS = {"measured": "#2a6f97", "simulated": "#2e8b57", "published": "#a0a0a0"}


def write_chart(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Write bench.png and bench.svg; OSError if the folder cannot be written."""
    base = base_row(list(rows))
    shown = sorted((row for row in rows if row.kind in COLOURS), key=lambda row: row.median)
    matplotlib.rcParams["svg.hashsalt"] = "talos"
    figure = Figure(figsize=(10, 0.34 * len(shown) + 1.2), layout="constrained")
    axes = figure.add_subplot()
    rates = [row.median for row in shown]
    axes.barh([row.name for row in shown], rates, color=[COLOURS[row.kind] for row in shown])
    for index, row in enumerate(shown):
        times = f"  ×{text}" if (text := ratio_text(row, base)) else ""
        axes.text(row.median * 1.06, index, f"{row.median:,.0f}{times}", va="center", fontsize=7)
    axes.set_xscale("log")
    axes.set_xlim(right=max(rates) * 12)
    axes.set_xlabel(f"steps per second; × is times {base.name}")
    axes.legend(handles=[Patch(color=colour, label=kind) for kind, colour in COLOURS.items()], loc="lower right")
    paths = []
    for suffix in ("png", "svg"):
        stream = io.BytesIO()
        figure.savefig(stream, format=suffix, dpi=120, metadata={"Date": None} if suffix == "svg" else None)
        paths.append(write_bytes(folder / f"bench.{suffix}", stream.getvalue()))
    return paths
