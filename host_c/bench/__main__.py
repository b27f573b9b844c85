"""`python -m host_c.bench`: this machine's CPU beside the cores, in one table, build/bench.json and a chart."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from host_c.bench.emulator import TARGETS, build_letters, instructions_per_step
from host_c.bench.rows import BASE, PUBLISHED, Row, measured_rows, missing_rows, ratio, ratio_text, run, simulated_rows
from host_c.binding.model_file import write_model
from host_c.build import FLAGS
from talos_ref.files import write_bytes
from talos_ref.model.checkpoint import default_checkpoint
from talos_ref.progress import progress_bar

__all__ = ["main"]


def _cpu_name() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _compiler() -> str:
    command = (sysconfig.get_config_var("CC") or "cc").split()[0]
    return subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]


def _measure(runs: int) -> list[Row]:
    """Return the measured rows: a warm-up, then ``runs`` rounds over them, pinned to one core unless threaded."""
    every = os.sched_getaffinity(0)
    works = measured_rows(default_checkpoint())
    try:
        with progress_bar("bench", (runs + 1) * len(works)) as update:
            for turn in range(runs + 1):
                for index, work in enumerate(works):
                    os.sched_setaffinity(0, every if work[0].threads > 1 else {max(every)})
                    run(work)
                    update(turn * len(works) + index + 1, work[0].name)
                if turn == 0:
                    for row, _, _ in works:
                        row.steps_per_second.clear()
    finally:
        os.sched_setaffinity(0, every)
    return [row for row, _, _ in works]


def _emulated() -> tuple[dict[str, float], list[str]]:
    """Return the instructions of a float32 step by processor, counted under emulation, and what could not be."""
    counts, missing = dict[str, float](), list[str]()
    with tempfile.TemporaryDirectory() as name, progress_bar("emulated", len(TARGETS)) as update:
        model = write_model(default_checkpoint(), Path(name) / "model.bin")
        for index, target in enumerate(TARGETS):
            try:
                program = build_letters(target, Path(name))
            except FileNotFoundError as error:
                missing.append(f"{target.name}: {error}")
                continue
            counts[target.name] = instructions_per_step(target, program, model, "float")
            update(index + 1, target.name)
    return counts, missing


def _report(rows: list[Row], runs: int) -> dict[str, Any]:
    counts, missing = _emulated()
    return {
        "cpu": _cpu_name(), "cores": len(os.sched_getaffinity(0)), "compiler": _compiler(), "flags": list(FLAGS),
        "load": os.getloadavg()[0], "runs": runs, "temperature": 0.5, "base": BASE.name,
        "rows": [
            {
                "name": row.name, "kind": row.kind, "threads": row.threads, "steps_per_second": row.median,
                "best": max(row.steps_per_second), "spread": row.spread, "runs": row.steps_per_second,
                "counts": row.counts,
                "ratio": ratio(row, BASE) if row.counts == BASE.counts else None,
            }
            for row in rows
        ],
        "instructions_per_step_emulated": counts,
        "not_measured": [*missing_rows(), *missing],
    }  # fmt: skip


def _print(report: dict[str, Any], rows: list[Row]) -> None:
    console = Console()
    table = Table(title=f"{report['cpu']}, {report['compiler']}, {' '.join(report['flags'])}")
    for heading in ("row", "figure is", "steps/s", "best", "spread", f"times\n{BASE.name}"):
        table.add_column(heading, justify="left" if heading in ("row", "figure is") else "right")
    for row in sorted(rows, key=lambda row: row.median):
        runs = [f"{max(row.steps_per_second):,.0f}", f"{row.spread:.0%}"] if len(row.steps_per_second) > 1 else ["", ""]
        table.add_row(row.name, row.kind, f"{row.median:,.0f}", *runs, ratio_text(row, BASE))
    console.print(table)
    console.print(
        f"temperature {report['temperature']:g}; medians of {report['runs']} interleaved runs after a warm-up; one"
        " stream on one core unless the row says otherwise; published figures are other people's, on their machines"
    )
    for name, count in report["instructions_per_step_emulated"].items():
        console.print(f"{name}: {count:,.0f} instructions a float32 step, counted by qemu; an emulator has no speed")
    for line in report["not_measured"]:
        console.print(f"not measured: {line}", markup=False)
    if report["load"] > report["cores"]:
        load, cores = report["load"], report["cores"]
        console.print(f"other work was running (load {load:.1f} on {cores} cores): rates are too low")


_ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL", "VECLIB")}
"""NumPy's libraries would otherwise start threads of their own, which spin beside the rows of one core."""


def main() -> int:
    """Measure, print, and write build/bench.json, bench.png and bench.svg; 0 if all was done."""
    parser = argparse.ArgumentParser(prog="python -m host_c.bench", description="this CPU beside the cores")
    parser.add_argument("--runs", type=int, default=7, help="rounds over all rows (default 7)")
    parser.add_argument("--out", type=Path, default=Path("build"), help="folder for bench.json and the chart")
    parser.add_argument("--no-chart", action="store_true", help="leave the chart out")
    options = parser.parse_args()
    if options.runs < 1:
        parser.error(f"--runs must be 1 or more, not {options.runs}")
    if not _ONE_THREAD.items() <= os.environ.items():
        # They read it once, as they are loaded.
        os.execve(sys.executable, [sys.executable, "-m", "host_c.bench", *sys.argv[1:]], os.environ | _ONE_THREAD)
    options.out.mkdir(parents=True, exist_ok=True)
    rows = [*_measure(options.runs), *simulated_rows(options.out / "sim.json"), *PUBLISHED]
    report = _report(rows, options.runs)
    _print(report, rows)
    print(write_bytes(options.out / "bench.json", json.dumps(report, indent=1).encode()))
    if not options.no_chart:
        from host_c.bench.chart import write_chart

        for path in write_chart(rows, BASE, options.out):
            print(path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
