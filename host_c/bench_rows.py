"""Rows of the comparison: what is measured here, what was co-simulated, and what others published."""

from __future__ import annotations

import importlib.util
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np

from host_c.binding import Model, kernels
from talos_ref.baselines import numpy_fp32, numpy_fp32_batched, pure_python
from talos_ref.checkpoint import Checkpoint
from talos_ref.published import FPGAS, PROCESSORS, Published

__all__ = ["Row", "Work", "BASE", "PUBLISHED", "measured_rows", "simulated_rows", "missing_rows", "ratio", "run"]

TEMPERATURE = 0.5


@dataclass(kw_only=True)
class Row:
    """One line of the table. ``kind`` says what its figure is worth: measured, simulated, published or emulated."""

    name: str
    kind: str
    steps_per_second: list[float] = field(default_factory=list)
    """Every run of a measured row; one figure of the others."""
    threads: int = 1
    note: str = ""

    @property
    def median(self) -> float:
        """Middle of the runs, steps per second."""
        return median(self.steps_per_second)

    @property
    def spread(self) -> float:
        """(largest - smallest) / median of the runs."""
        return (max(self.steps_per_second) - min(self.steps_per_second)) / self.median


def ratio(row: Row, base: Row) -> float:
    """Return how many times ``base`` a row is; ValueError if one of them, and not the other, comes from an emulator."""
    if (row.kind == "emulated") != (base.kind == "emulated"):
        raise ValueError(f"rows must be both emulated or neither, not {row.name!r} and {base.name!r}")
    return row.median / base.median


def _published(figures: Published) -> Row:
    clock = "" if figures.clock_hz is None else f", {figures.clock_hz / 1e6:g} MHz"
    rate, what = figures.steps_per_second, ""
    if rate is None:
        rate, what = figures.letters_per_second, " (letters/s)"
    assert rate is not None
    return Row(name=f"{figures.system}{clock}{what}", kind="published", steps_per_second=[rate])


PUBLISHED = tuple(_published(figures) for figures in (*FPGAS, *PROCESSORS))

BASE = next(row for row in PUBLISHED if row.name.startswith("TALOS-V2, simulation"))
"""The row that ratios are printed against: TALOS-V2 counted in steps, as all other rows are."""

Work = tuple[Row, Callable[[int], int], int]
"""A row, its work (names -> steps taken), and the names of one run."""


def _loop(
    generate: Callable[[Checkpoint, int, float, int], list[list[int]]], checkpoint: Checkpoint
) -> Callable[[int], int]:
    longest = checkpoint.config.max_letters

    def work(names: int) -> int:
        # A name that BOS ends took a step for it; one cut at the last letter did not.
        return sum(min(len(name) + 1, longest) for name in generate(checkpoint, 1, TEMPERATURE, names))

    return work


def _single(model: Model) -> Callable[[int], int]:
    stream = model.stream(2, TEMPERATURE)
    return lambda names: stream.generate(names)[1]


def _batched(model: Model, threads: int) -> Callable[[int], int]:
    seeds = np.arange(1, 1 << 20, dtype=np.uint32)
    return lambda names: model.generate_counted(seeds[:names], TEMPERATURE, threads)[1]


def measured_rows(checkpoint: Checkpoint) -> list[Work]:
    """Return what can be measured on this machine, slowest first."""
    cores = len(os.sched_getaffinity(0))
    rows: list[Work] = [
        (Row(name="pure Python", kind="measured"), _loop(pure_python.generate, checkpoint), 60),
        (Row(name="NumPy fp32", kind="measured"), _loop(numpy_fp32.generate, checkpoint), 400),
        (Row(name="NumPy fp32, batched", kind="measured"), _loop(numpy_fp32_batched.generate, checkpoint), 4_096),
    ]
    for arithmetic, label in (("talos-v2", "C talos-v2"), ("float", "C fp32"), ("precise", "C Q4.12 precise")):
        for kernel in reversed(kernels(arithmetic)):
            model = Model(checkpoint, arithmetic, kernel)
            names = 4_000 if kernel == "scalar" else 60_000
            rows.append((Row(name=f"{label}, {kernel}", kind="measured"), _single(model), names))
    for arithmetic, label in (("float", "C fp32"), ("precise", "C Q4.12 precise")):
        model = Model(checkpoint, arithmetic)
        name = f"{label}, {model.kernel}, batched"
        rows.append((Row(name=name, kind="measured"), _batched(model, 1), 100_000))
        everything = Row(name=f"{name}, {cores} cores", kind="measured", threads=cores)
        rows.append((everything, _batched(model, cores), 100_000 * cores))
    return rows


def run(work: Work) -> None:
    """Add one timed run to a row."""
    row, step, names = work
    start = time.perf_counter()
    steps = step(names)
    row.steps_per_second.append(steps / (time.perf_counter() - start))


def simulated_rows(path: Path) -> list[Row]:
    """Return the co-simulated cores of ``build/sim.json``; none if it does not exist."""
    if not path.is_file():
        return []
    best = {}
    for entry in json.loads(path.read_text(encoding="utf-8"))["runs"]:
        name = f"{entry['core']}, co-simulated at 56.25 MHz"
        best[name] = Row(name=name, kind="simulated", steps_per_second=[float(entry["steps_per_second"])])
    return list(best.values())


def missing_rows() -> list[str]:
    """Return what could be measured if it were installed, and how."""
    return [] if importlib.util.find_spec("mlx") else ["MLX: pip install mlx (Apple silicon, or Linux with mlx[cpu])"]
