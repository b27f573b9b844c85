"""The command ``python -m host_c.bench``; `bench` is a click command, which another command line can mount."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from talos_ref.command_line import SETTINGS, run
from talos_ref.commands.word_format import AUTO, pick_format
from talos_ref.files import make_folder, write_bytes
from talos_ref.model.checkpoint import load, weights_path
from talos_ref.options import Integer, format_option, weights_option
from talos_ref.terminal import console

if TYPE_CHECKING:
    from host_c.bench.row import Row

__all__ = ["bench", "main"]

_ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL", "VECLIB")}
"""NumPy's libraries would otherwise start threads of their own, which spin beside the rows of one core."""


@click.command(context_settings=SETTINGS)
@weights_option
@format_option(AUTO)
@click.option("--runs", type=Integer(1), default=7, metavar="N", help="rounds over all rows (default: 7)")
@click.option("--out", default="build", metavar="FOLDER", help="for bench.json and the chart (default: build)")
@click.option("--peer", metavar="FOLDER", help="clone of talos-vs-macbook: its C is built and measured, too")
@click.option("--no-chart", is_flag=True, help="leave the chart out")
def bench(*, weights: str | None, word_format: str, runs: int, out: str, peer: str | None, no_chart: bool) -> None:
    """Measure this machine's CPU beside the cores and the published figures.

    The model runs in pure Python, in NumPy and in C: in float, which is float32 there, and in words of fixed point.
    """
    path, folder = weights_path(weights), Path(out)
    checkpoint = load(path)
    make_folder(folder)
    if not no_chart and importlib.util.find_spec("matplotlib") is None:
        raise ModuleNotFoundError("matplotlib must be installed for the chart; install talos[bench] or give --no-chart")
    if not _ONE_THREAD.items() <= os.environ.items():
        # They read it once, as they are loaded.
        words = [f"--weights={path}", f"--format={word_format}", f"--runs={runs}", f"--out={out}"]
        words += [] if peer is None else [f"--peer={peer}"]
        command = [sys.executable, "-m", "host_c.bench", *words, *["--no-chart"] * no_chart]
        os.execve(sys.executable, command, os.environ | _ONE_THREAD)
    # Late, so that help needs no extension.
    from host_c.bench.measure import measure, report
    from host_c.bench.peer import peer_rows
    from host_c.bench.rows import other_rows

    word = pick_format(checkpoint, "precise", word_format)
    with tempfile.TemporaryDirectory() as scratch:
        others = [] if peer is None else peer_rows(Path(peer), checkpoint, Path(scratch))
        rows = [*measure(checkpoint, word, runs, others), *other_rows(folder / "sim.json", checkpoint)]
    found = report(rows, checkpoint, word, runs)
    _print(found, rows)
    print(write_bytes(folder / "bench.json", json.dumps(found, indent=1).encode()))
    if not no_chart:
        from host_c.bench.chart import write_chart

        for chart in write_chart(rows, folder):
            print(chart)


def _print(report: dict[str, Any], rows: list[Row]) -> None:
    from host_c.bench.row import ratio_text
    from host_c.bench.rows import base_row

    model, base, out = report["model"], base_row(rows), console()
    table = Table(title=f"{report['cpu']}, {report['compiler']}, {' '.join(report['flags'])}")
    for heading in ("row", "figure is", "steps/s", "best", "spread", f"times\n{base.name}"):
        table.add_column(heading, justify="left" if heading in ("row", "figure is") else "right")
    for row in sorted(rows, key=lambda row: row.median):
        runs = [f"{max(row.steps_per_second):,.0f}", f"{row.spread:.0%}"] if len(row.steps_per_second) > 1 else ["", ""]
        table.add_row(row.name, row.kind, f"{row.median:,.0f}", *runs, ratio_text(row, base))
    out.print(table)
    out.print(
        f"Model: {model['letters']} letters, block {model['block_size']}, layers {model['n_layer']}, width"
        f" {model['n_embd']}, heads {model['n_head']}, hidden units {model['mlp_dim']}; words of {report['format']}.\n"
        f"Temperature {report['temperature']:g}; medians of {report['runs']} interleaved runs after a warm-up; one"
        " stream on one core unless the row says otherwise; published figures are other people's, on their machines."
    )
    if times := report["times_public_c"]:
        found = "; ".join(f"{name}, {value:.1f}" for name, value in times.items())
        out.print(f"Times talos-vs-macbook's one stream, best run by best run, on one core: {found}.")
    for name, count in report["instructions_per_step_emulated"].items():
        out.print(f"{name}: {count:,.0f} instructions a float32 step, counted by qemu; an emulator has no speed.")
    for line in report["not_measured"]:
        out.print(f"Not measured: {line}", markup=False)
    if report["load"] > report["cores"]:
        load, cores = report["load"], report["cores"]
        out.print(f"Other work was running (load {load:.1f} on {cores} cores): rates are too low.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write bench.json and the chart; return 0, 2 for bad input, 1 for a failure."""
    return run(bench, arguments, "python -m host_c.bench", failures=(ImportError,))
