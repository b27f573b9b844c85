"""``python -m hdl calibrate``: our estimates of a published design beside its published fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from hdl.device.calibration import calibrate_by
from hdl.device.other_sources import TALOS_V2, check_files, estimate_of
from hdl.device.pairs import Estimate, Pair, known_pairs
from talos_ref.files import check_writable, make_folder, write_bytes
from talos_ref.terminal import console, error_console

__all__ = ["calibrate"]

_WIDTH = 165


def _blocks(multipliers: dict[int, int]) -> tuple[int, int]:
    """Return the DSP blocks of multipliers, width -> number, each in a block of its own, and packed as can be."""
    whole, halves, thirds = (multipliers.get(width, 0) for width in (27, 18, 9))
    return whole + halves + thirds, whole + -(-halves // 2) + -(-thirds // 3)


def _table(pair: Pair, estimate: Estimate) -> Table:
    fit, closed = pair.fit, pair.fit.period_ns
    table = Table(title=f"{pair.design} on the {pair.device}", title_justify="left")
    table.add_column("")
    table.add_column("estimate", justify="right")
    table.add_column(pair.tool.partition(" Build")[0], justify="right")
    table.add_column("fitted / estimated", justify="right")
    core, board = (cells.get("MISTRAL_FF", 0) for cells in (estimate.core_cells, estimate.board_cells))
    kinds = ", ".join(f"{number} of {width} x {width}" for width, number in estimate.multipliers.items())
    alone, packed = _blocks(estimate.multipliers)
    for name, estimated, fitted, unit in (
        ("ALMs: the core", estimate.core_alms, fit.alms, ""),
        ("ALMs: with all else that Yosys can map", estimate.alms, fit.alms, ""),
        ("registers: the core", core, fit.registers, ""),
        ("registers: with all else that Yosys can map", core + board, fit.registers, ""),
        (f"{kinds}, each alone", alone, fit.dsp_blocks, " DSP blocks"),
        ("the same, as many in a block as can be", packed, fit.dsp_blocks, " DSP blocks"),
    ):
        ratio = f"{fitted / estimated:.3f}" if estimated else ""
        table.add_row(name, f"{estimated:,}{unit}", f"{fitted:,}{unit}", ratio)
    for path in estimate.longest_paths:
        if closed is None:
            break
        name, length = escape(f"{TALOS_V2.kind(path)}: {path.start} -> {path.end}"), path.picoseconds / 1000
        table.add_row(name, f"{length:.1f} ns", f"at most {closed:.1f} ns", f"1 / {length / closed:.2f}")
    return table


@click.command()
@click.option("--talos-v2", "folder", required=True, metavar="FOLDER", help=f"a clone of {TALOS_V2.url}")
@click.option("--out", default="build/calibration.jsonl", metavar="FILE", help="default: build/calibration.jsonl")
def calibrate(folder: str, out: str) -> None:
    """Map TALOS-V2's core to the device, some minutes, and set our estimates beside its published fit.

    Nothing is fetched: FOLDER has the sources already.
    """
    check_files(TALOS_V2, Path(folder))
    make_folder(Path(out).parent)
    check_writable(out)
    pairs = known_pairs()
    known = next(pair for pair in pairs if pair.digest == TALOS_V2.commit)
    err = error_console()
    with err.status(f"mapping {TALOS_V2.name}, some minutes") if err.is_terminal else err:
        estimate = estimate_of(TALOS_V2, Path(folder))
    pair = replace(known, estimate=estimate)
    show = console(_WIDTH)
    show.print(f"{TALOS_V2.name}, {TALOS_V2.url}, commit {TALOS_V2.commit[:7]}: {len(TALOS_V2.hashes)} files as listed")
    show.print(f"mapped by {estimate.synthesis.partition(' (')[0]}; fitted by {known.tool}")
    show.print(f"the fit's figures: {known.source}")
    show.print(_table(pair, estimate))
    found = calibrate_by([pair if other is known else other for other in pairs])
    for line in found.lines():
        show.print(line)
    same = "as the table of pairs has it" if estimate == known.estimate else "which the table of pairs has otherwise"
    show.print(f"{write_bytes(out, pair.to_line().encode())} written, {same}", markup=False)
