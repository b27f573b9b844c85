"""``python -m hdl resources``: every named core against the device."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from hdl.core.config import CLOCK_HZ
from hdl.device.cyclone_v import DEVICE, FAMILY, MAX_ALM_SHARE, PART, Resources
from hdl.device.resources import count, read_synthesis, synthesise
from hdl.device.static_timing import WIRE_PS
from hdl.options import Choice, cores_option, design_option, several_designs
from talos_ref.baselines.published import TALOS_V2_FIT
from talos_ref.files import check_writable, make_folder, write_bytes
from talos_ref.terminal import console, error_console

__all__ = ["PARTS", "problems", "resources"]

_WIDTH = 130

PARTS = ("aluts", "alms", "registers", "multipliers", "m10k", "mlab")


def problems(name: str, used: Resources) -> list[str]:
    """Return why a core does not fit the device, a line each; none if it fits."""
    lines = [
        f"{name} must take at most {getattr(DEVICE, part):,} {part}, not {getattr(used, part):,}"
        for part in ("registers", "multipliers", "m10k")
        if getattr(used, part) > getattr(DEVICE, part)
    ]
    # An MLAB is ten ALMs.
    alms, limit = used.alms + 10 * used.mlab, int(DEVICE.alms * MAX_ALM_SHARE)
    if alms > limit:
        lines.append(f"{name} must take at most {limit:,} ALMs ({MAX_ALM_SHARE:.0%}), not {alms:,}")
    return lines


def _table(rows: dict[str, tuple[Resources, int]]) -> Table:
    table = Table(title=f"{FAMILY} {PART}, after synthesis by Yosys, not placed", title_justify="left")
    table.add_column("core")
    for part in ("ALUTs", "ALMs (estimate)", "registers", "18 x 18 multipliers", "M10K", "MLAB", "longest path"):
        table.add_column(part, justify="right")
    for name, (used, path) in rows.items():
        cells = [f"{used.aluts:,}"]
        for part in ("alms", "registers", "multipliers", "m10k"):
            value = getattr(used, part)
            cells.append(f"{value:,} ({value / getattr(DEVICE, part):.0%})")
        table.add_row(name, *cells, f"{used.mlab:,}", f"{path / 1000:.1f} ns")
    table.add_section()
    table.add_row(
        "the device", "", *(f"{getattr(DEVICE, part):,}" for part in ("alms", "registers", "multipliers", "m10k")), "",
        f"{1e9 / CLOCK_HZ:.1f} ns",
    )  # fmt: skip
    table.add_row(
        "TALOS-V2 (published, placed)", "", f"{TALOS_V2_FIT['alms']:,}", f"{TALOS_V2_FIT['registers']:,}",
        f"{TALOS_V2_FIT['dsp_blocks']} blocks", "", "", "",
    )  # fmt: skip
    return table


@click.command()
@cores_option
@design_option
@click.option("--out", default="build/resources.json", metavar="FILE.json", help="default: build/resources.json")
def resources(cores: tuple[str, ...], out: str, **options: Any) -> int:
    """Synthesise cores, some minutes each, and count them against the device."""
    designs = several_designs(cores, Choice(**options))
    path = Path(out)
    make_folder(path.parent)
    check_writable(path)
    err = error_console()
    rows: dict[str, tuple[Resources, int]] = {}
    report: list[dict[str, Any]] = []
    for design in designs:
        with err.status(f"synthesising {design.name}, some minutes") if err.is_terminal else err:
            mapped = read_synthesis(synthesise(design))
        used = count(mapped["cells"])
        rows[design.name] = used, mapped["longest_paths"][0]["picoseconds"]
        made_from = {"checkpoint": design.checkpoint.digest, "format": str(design.word)}
        counted = {**used.to_json(), **mapped, "problems": problems(design.name, used)}
        report.append({"core": design.name, **made_from, **counted})
    device = DEVICE.to_json()
    write_bytes(path, json.dumps({"device": device, "talos_v2": TALOS_V2_FIT, "cores": report}, indent=1).encode())
    show = console(_WIDTH)
    show.print(_table(rows))
    show.print("ALMs: tables of six inputs, and half of all smaller ones and carry bits.")
    show.print(f"Path: cells (slow corner) and an allowance of {WIRE_PS / 1000} ns and more a wire; not placed.")
    for row in report:
        show.print(f"{row['core']}, longest paths:")
        for timed in row["longest_paths"]:
            line = f"  {timed['picoseconds'] / 1000:.1f} ns  {timed['start']} -> {timed['end']}"
            show.print(line, markup=False, soft_wrap=True)
    show.print(f"{path} written", markup=False)
    failed = [line for row in report for line in row["problems"]]
    for line in failed:
        err.print(f"error: {line}", markup=False)
    return 1 if failed else 0
