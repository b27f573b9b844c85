"""Rows of the comparison: what is measured here, what was co-simulated, and what others published."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np

from host_c.binding.extension import kernels
from host_c.binding.model import Model
from talos_ref.baselines import mlx_fp32, numpy_fp32, numpy_fp32_batched, pure_python
from talos_ref.baselines.published import FPGAS, PROCESSORS, Published
from talos_ref.model.checkpoint import Checkpoint

__all__ = [
    "Row", "Work", "BASE", "PUBLISHED", "measured_rows", "mlx_rows", "simulated_rows", "missing_rows", "ratio",
    "ratio_text", "run",
]  # fmt: skip

TEMPERATURE = 0.5


@dataclass(kw_only=True)
class Row:
    """One line of the table. ``kind`` says what its figure is worth: measured, simulated, published or emulated."""

    name: str
    kind: str
    steps_per_second: list[float] = field(default_factory=list)
    """Every run of a measured row; one figure of the others."""
    threads: int = 1
    counts: str = "steps"
    """What the figure counts: steps, or letters of finished names alone."""

    @property
    def median(self) -> float:
        """Middle of the runs, steps per second."""
        return median(self.steps_per_second)

    @property
    def spread(self) -> float:
        """(largest - smallest) / median of the runs."""
        return (max(self.steps_per_second) - min(self.steps_per_second)) / self.median


def ratio(row: Row, base: Row) -> float:
    """Return how many times ``base`` a row is.

    Raises ValueError if one of them, and not the other, comes from an emulator, or they count different things.
    """
    if (row.kind == "emulated") != (base.kind == "emulated"):
        raise ValueError(f"rows must be both emulated or neither, not {row.name!r} and {base.name!r}")
    if row.counts != base.counts:
        raise ValueError(
            f"rows must count the same, not {row.counts} of {row.name!r} and {base.counts} of {base.name!r}"
        )
    return row.median / base.median


def ratio_text(row: Row, base: Row) -> str:
    """Return the ratio for a table; nothing where there is none."""
    return f"{ratio(row, base):,.2f}" if row.counts == base.counts else ""


def _published(figures: Published) -> Row:
    clock = "" if figures.clock_hz is None else f", {figures.clock_hz / 1e6:g} MHz"
    name, rate = f"{figures.system}{clock}", figures.steps_per_second
    if rate is not None:
        return Row(name=name, kind="published", steps_per_second=[rate])
    assert figures.letters_per_second is not None
    return Row(
        name=f"{name} (letters/s)", kind="published", steps_per_second=[figures.letters_per_second], counts="letters"
    )


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


def mlx_rows(checkpoint: Checkpoint) -> list[Work]:
    """Return the row of MLX, if it is installed; RuntimeError if it writes other names than NumPy."""
    if not _has_mlx():
        return []
    if mlx_fp32.generate(checkpoint, 1, TEMPERATURE, 20) != numpy_fp32.generate(checkpoint, 1, TEMPERATURE, 20):
        raise RuntimeError("MLX must write the names of NumPy, and does not; its row would be worth nothing")
    return [(Row(name="MLX fp32", kind="measured"), _loop(mlx_fp32.generate, checkpoint), 60)]


def _has_mlx() -> bool:
    return "mlx" in sys.modules or importlib.util.find_spec("mlx") is not None


def measured_rows(checkpoint: Checkpoint) -> list[Work]:
    """Return what can be measured on this machine, slowest first."""
    cores = len(os.sched_getaffinity(0))
    rows: list[Work] = [
        *mlx_rows(checkpoint),
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
    """Return the co-simulated cores of ``build/sim.json``, each from its longest run; none if it does not exist."""
    if not path.is_file():
        return []
    report = json.loads(path.read_text(encoding="utf-8"))
    longest = {run["core"]: run for run in sorted(report["runs"], key=lambda run: run["steps"])}
    where = f"co-simulated at {report['clock_hz'] / 1e6:g} MHz"
    return [
        Row(name=f"{core}, {where}", kind="simulated", steps_per_second=[float(run["steps_per_second"])])
        for core, run in longest.items()
    ]


def missing_rows() -> list[str]:
    """Return what could be measured if it were installed, and how."""
    return [] if _has_mlx() else ['MLX: .venv/bin/pip install "mlx[cpu]" (on Apple silicon: mlx)']
