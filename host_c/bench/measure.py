"""The measurement: every row in turn, so that a busy moment falls on all of them, and the facts of the machine."""

from __future__ import annotations

import os
import platform
import subprocess
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from host_c.bench.emulator import TARGETS, build_letters, instructions_per_step
from host_c.bench.peer import best_ratios
from host_c.bench.row import TEMPERATURE, Row, Work, ratio, run
from host_c.bench.rows import base_row, measured_rows, missing_rows
from host_c.binding.model import Model
from host_c.binding.model_file import write_model
from host_c.build import FLAGS
from talos_ref.golden.format import Format
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.progress import progress_bar

__all__ = ["measure", "report"]


def measure(checkpoint: Checkpoint, word: Format, runs: int, others: Sequence[Work] = ()) -> list[Row]:
    """Return the measured rows, with ``others``: a warm-up, then ``runs`` rounds, on one core unless threaded."""
    every = os.sched_getaffinity(0)
    works = [*others, *measured_rows(checkpoint, word)]
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


def _emulated(checkpoint: Checkpoint) -> tuple[dict[str, float], list[str]]:
    """Return the instructions of a float32 step by processor, counted under emulation, and what could not be."""
    counts, missing = dict[str, float](), list[str]()
    if Model(checkpoint, "float").kernel == "scalar":
        return counts, ["instructions of a step: no SIMD kernel takes this model"]
    with tempfile.TemporaryDirectory() as name, progress_bar("emulated", len(TARGETS)) as update:
        model = write_model(checkpoint, Path(name) / "model.bin")
        for index, target in enumerate(TARGETS):
            try:
                counts[target.name] = instructions_per_step(target, build_letters(target, Path(name)), model, "float")
            except (FileNotFoundError, RuntimeError) as error:
                missing.append(f"{target.name}: {error}")
            update(index + 1, target.name)
    return counts, missing


def _cpu_name() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _compiler() -> str:
    command = (sysconfig.get_config_var("CC") or "cc").split()[0]
    return subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]


def report(rows: list[Row], checkpoint: Checkpoint, word: Format, runs: int) -> dict[str, Any]:
    """Return everything that was found, ready for JSON; the emulator counts instructions here."""
    counts, missing = _emulated(checkpoint)
    config, base = checkpoint.config, base_row(rows)
    return {
        "cpu": _cpu_name(), "cores": len(os.sched_getaffinity(0)), "compiler": _compiler(), "flags": list(FLAGS),
        "load": os.getloadavg()[0], "runs": runs, "temperature": TEMPERATURE, "base": base.name,
        "checkpoint": checkpoint.digest, "format": str(word),
        "model": {
            "letters": len(config.alphabet), "block_size": config.block_size, "n_embd": config.n_embd,
            "n_head": config.n_head, "mlp_dim": config.mlp_dim, "n_layer": config.n_layer,
        },
        "rows": [
            {
                "name": row.name, "kind": row.kind, "threads": row.threads, "steps_per_second": row.median,
                "best": max(row.steps_per_second), "spread": row.spread, "runs": row.steps_per_second,
                "counts": row.counts,
                "ratio": ratio(row, base) if row.counts == base.counts else None,
            }
            for row in rows
        ],
        "times_public_c": best_ratios(rows),
        "instructions_per_step_emulated": counts,
        "not_measured": [*missing_rows(checkpoint, word), *missing],
    }  # fmt: skip
