"""``python -m hdl resources``: every named core against the device."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from hdl.core.config import CLOCK_HZ, CoreConfig
from hdl.device.calibration import Calibration, calibrate_by
from hdl.device.cyclone_v import DEVICE, FAMILY, MAX_ALM_SHARE, MAX_PATH_PS, PART, Resources
from hdl.device.pairs import Pair, known_pairs
from hdl.device.resources import count, read_synthesis, synthesise
from hdl.device.static_timing import WIRE_PS
from hdl.device.yosys import yosys_version
from hdl.options import EVERY_CORE, Choice, design_option, every_core_option, several_designs
from talos_ref.files import check_writable, make_folder, write_bytes
from talos_ref.terminal import console, error_console

__all__ = ["BATCH_REGISTER_ALMS", "PARTS", "REGISTER_ALMS", "problems", "register_alms", "resources"]

_WIDTH = 166

PARTS = ("aluts", "alms", "registers", "dsp_blocks", "m10k", "mlab")


REGISTER_ALMS = 622
"""What the registers that a host sees add to ``fused``, synthesised with it (24,288) and without."""
BATCH_REGISTER_ALMS = 160
"""The same of ``barrel`` (12,423 with them, 12,263 without), whose registers hold no letters and no logits."""


def register_alms(core: CoreConfig) -> int:
    """Return about how many ALMs the registers that a host sees add to a core."""
    return REGISTER_ALMS if core.streams == 1 else BATCH_REGISTER_ALMS


def problems(name: str, used: Resources, path_ps: int, registers: int = REGISTER_ALMS) -> list[str]:
    """Return why a core, with its longest path, does not fit the device, a line each; none if it fits.

    ``registers`` are the ALMs of what a host sees of it.
    """
    lines = [
        f"{name} must take at most {getattr(DEVICE, part):,} {title}, not {getattr(used, part):,}"
        for part, title in (("registers", "registers"), ("dsp_blocks", "DSP blocks"), ("m10k", "m10k"))
        if getattr(used, part) > getattr(DEVICE, part)
    ]
    # An MLAB is ten ALMs.
    alms, limit = used.alms + 10 * used.mlab + registers, int(DEVICE.alms * MAX_ALM_SHARE)
    if alms > limit:
        lines.append(f"{name} with registers must take at most {limit:,} ALMs ({MAX_ALM_SHARE:.0%}), not {alms:,}")
    if path_ps > MAX_PATH_PS:
        lines.append(f"{name} must have no path above {MAX_PATH_PS / 1000:.0f} ns, not {path_ps / 1000:.1f} ns")
    return lines


def _table(rows: dict[str, tuple[Resources, int]], pairs: Sequence[Pair], calibration: Calibration) -> Table:
    table = Table(title=f"{FAMILY} {PART}, after synthesis by Yosys, not placed", title_justify="left")
    table.add_column("core")
    for part in (
        "ALUTs", "ALMs (estimate)", "calibrated", "registers", "DSP blocks", "M10K", "MLAB",
        "longest path", "calibrated",
    ):  # fmt: skip
        table.add_column(part, justify="right")
    for name, (used, path) in rows.items():
        shares = {
            part: f"{getattr(used, part):,} ({getattr(used, part) / getattr(DEVICE, part):.0%})"
            for part in ("alms", "registers", "dsp_blocks", "m10k")
        }
        low, high = calibration.alms(used.alms)
        span = f"{low:,} to {high:,} ({low / DEVICE.alms * 100:.0f}-{high / DEVICE.alms:.0%})"
        shortest, longest = calibration.path_ps(path)
        table.add_row(
            name, f"{used.aluts:,}", shares["alms"], span, shares["registers"], shares["dsp_blocks"], shares["m10k"],
            f"{used.mlab:,}", f"{path / 1000:.1f} ns", f"{shortest / 1000:.1f} to {longest / 1000:.1f} ns",
        )  # fmt: skip
    table.add_section()
    table.add_row(
        "the device", "", f"{DEVICE.alms:,}", "", *(f"{getattr(DEVICE, part):,}" for part in PARTS[2:5]), "", "",
        f"{1e9 / CLOCK_HZ:.1f} ns",
    )  # fmt: skip
    for pair in pairs:
        m10k = "" if pair.fit.m10k is None else f"{pair.fit.m10k:,}"
        closed = "" if pair.fit.period_ns is None else f"{pair.fit.period_ns:.1f} ns"
        table.add_row(
            f"{pair.design} (placed)", "", "", f"{pair.fit.alms:,}", f"{pair.fit.registers:,}",
            f"{pair.fit.dsp_blocks}", m10k, "", "", closed,
        )  # fmt: skip
    return table


def _calibrated(calibration: Calibration, used: Resources, path: int) -> dict[str, list[int]]:
    """Return the calibrated ranges of a core for JSON, each the lowest and the highest value."""
    return {"alms": list(calibration.alms(used.alms)), "longest_path_ps": list(calibration.path_ps(path))}


@click.command()
@every_core_option
@design_option
@click.option("--out", default="build/resources.json", metavar="FILE.json", help="default: build/resources.json")
def resources(cores: tuple[str, ...], out: str, **options: Any) -> int:
    """Synthesise cores, some minutes each, and count them against the device."""
    designs = several_designs(cores, Choice(**options), EVERY_CORE)
    path = Path(out)
    make_folder(path.parent)
    check_writable(path)
    pairs = known_pairs()
    calibration = calibrate_by(pairs)
    err = error_console()
    rows: dict[str, tuple[Resources, int]] = {}
    report: list[dict[str, Any]] = []
    for design in designs:
        with err.status(f"synthesising {design.name}, some minutes") if err.is_terminal else err:
            mapped = read_synthesis(synthesise(design))
        used = count(mapped["cells"])
        rows[design.name] = used, mapped["longest_paths"][0]["picoseconds"]
        made_from = {
            "checkpoint": design.checkpoint.digest, "format": str(design.word), "scrub": design.core.scrub,
        }  # fmt: skip
        counted = {
            **used.to_json(), **mapped, "synthesis": yosys_version(),
            "calibrated": _calibrated(calibration, used, rows[design.name][1]),
            "problems": problems(design.name, used, rows[design.name][1], register_alms(design.core)),
        }  # fmt: skip
        report.append({"core": design.name, **made_from, **counted})
    result = {"device": DEVICE.to_json(), "pairs": [asdict(pair) for pair in pairs], "cores": report}
    write_bytes(path, json.dumps(result, indent=1).encode())
    show = console(_WIDTH)
    show.print(_table(rows, pairs, calibration))
    show.print("ALMs: tables of six inputs, and half of all smaller ones and carry bits; the core alone.")
    show.print(
        f"Registers for a host add some {REGISTER_ALMS} ALMs, {BATCH_REGISTER_ALMS} where there are several streams; "
        f"with them {MAX_ALM_SHARE:.0%} is the limit."
    )
    show.print(f"Path: cells (slow corner) and an allowance of {WIRE_PS / 1000} ns and more a wire; not placed.")
    for line in calibration.lines():
        show.print(line)
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
