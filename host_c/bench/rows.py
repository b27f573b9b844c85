"""Rows of the comparison: what is measured here, what was co-simulated, and what others published."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from host_c.bench.cuda_rows import cuda_rows, missing_cuda
from host_c.bench.row import TEMPERATURE, Row, Work
from host_c.binding.extension import TalosError, kernels
from host_c.binding.model import Model
from talos_ref.baselines import mlx_fp32, numpy_fp32, numpy_fp32_batched, pure_python
from talos_ref.baselines.published import FPGAS, PROCESSORS, Published
from talos_ref.golden.format import Q4_12, Format
from talos_ref.model.checkpoint import Checkpoint, default_checkpoint
from talos_ref.model.config import MICROGPT, ModelConfig

__all__ = [
    "BASE", "PUBLISHED", "base_row", "measured_rows", "missing_rows", "mlx_rows", "other_rows", "simulated_rows",
]  # fmt: skip


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
"""What ratios are printed against for the published dimensions: TALOS-V2 counted in steps, as all other rows are."""

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


def mlx_rows(checkpoint: Checkpoint, names: int = 60) -> list[Work]:
    """Return the row of MLX, if it is installed; RuntimeError if it writes other names than NumPy."""
    if not _has_mlx():
        return []
    if mlx_fp32.generate(checkpoint, 1, TEMPERATURE, 20) != numpy_fp32.generate(checkpoint, 1, TEMPERATURE, 20):
        raise RuntimeError("MLX must write the names of NumPy, and does not; its row would be worth nothing")
    return [(Row(name="MLX float32", kind="measured"), _loop(mlx_fp32.generate, checkpoint), names)]


def _has_mlx() -> bool:
    return "mlx" in sys.modules or importlib.util.find_spec("mlx") is not None


def _work_of(config: ModelConfig) -> int:
    """Return what the longest name takes, in multiplications."""
    return sum(math.prod(shape) for shape in config.shapes().values()) * config.block_size


def measured_rows(checkpoint: Checkpoint, word: Format = Q4_12) -> list[Work]:
    """Return what can be measured on this machine, slowest first; ``word`` is the format of fixed point."""
    cores, share = len(os.sched_getaffinity(0)), _work_of(MICROGPT) / _work_of(checkpoint.config)

    def names(published: int) -> int:
        """Return as many names as take the time of ``published`` names of the published model."""
        return max(2, min(published, round(published * share)))

    rows: list[Work] = mlx_rows(checkpoint, names(60))
    for name, generate, count in (
        ("pure Python, float64", pure_python.generate, 60),
        ("NumPy float32", numpy_fp32.generate, 400),
        ("NumPy float32, batched", numpy_fp32_batched.generate, 4_096),
    ):
        rows.append((Row(name=name, kind="measured"), _loop(generate, checkpoint), names(count)))
    for arithmetic, label in _labels(word).items():
        for kernel in reversed(kernels(arithmetic)):
            if (model := _model(checkpoint, arithmetic, kernel, word)) is not None:
                count = names(4_000 if kernel == "scalar" else 60_000)
                rows.append((Row(name=f"{label}, {kernel}", kind="measured"), _single(model), count))
    for arithmetic, label in _labels(word).items():
        if arithmetic != "talos-v2" and (model := _model(checkpoint, arithmetic, None, word)) is not None:
            count = names(8_000 if model.kernel == "scalar" else 100_000)
            name = f"{label}, {model.kernel}, batched"
            rows.append((Row(name=name, kind="measured"), _batched(model, 1), count))
            everything = Row(name=f"{name}, {cores} cores", kind="measured", threads=cores)
            rows.append((everything, _batched(model, cores), count * cores))
    return [*rows, *cuda_rows(checkpoint, word)]


def _labels(word: Format) -> dict[str, str]:
    """Return arithmetic -> how its rows begin."""
    fixed = {name: f"C {word} {name}" for name in ("precise", "folded")}
    return {"talos-v2": "C talos-v2", "float": "C float32", **fixed}


def _model(checkpoint: Checkpoint, arithmetic: str, kernel: str | None, word: Format) -> Model | None:
    """Return a model, or None if the arithmetic or the kernel can't have it."""
    try:
        return Model(checkpoint, arithmetic, kernel, word=Q4_12 if arithmetic == "talos-v2" else word)
    except (TalosError, ValueError):
        return None


def simulated_rows(path: Path, checkpoint: Checkpoint) -> list[Row]:
    """Return the co-simulated cores of ``build/sim.json`` with these weights, each from its longest run.

    There are none if the file does not exist.
    """
    if not path.is_file():
        return []
    report = json.loads(path.read_text(encoding="utf-8"))
    published = default_checkpoint().digest
    runs = [run for run in report["runs"] if run.get("checkpoint", published) == checkpoint.digest]
    longest = {run["core"]: run for run in sorted(runs, key=lambda run: run["steps"])}
    where = f"co-simulated at {report['clock_hz'] / 1e6:g} MHz"
    return [
        Row(name=f"{_streams(run)}, {where}", kind="simulated", steps_per_second=[float(run["steps_per_second"])])
        for run in longest.values()
    ]


def _streams(run: dict[str, Any]) -> str:
    """Return the name of a run's core, and whose figures they are if it has several streams."""
    return f"{run['core']}, all {run['streams']} streams" if "streams" in run else str(run["core"])


def other_rows(path: Path, checkpoint: Checkpoint) -> list[Row]:
    """Return what was not measured here: co-simulated cores, and published figures if their model has this size."""
    return [*simulated_rows(path, checkpoint), *(PUBLISHED if checkpoint.config == MICROGPT else ())]


def base_row(rows: list[Row]) -> Row:
    """Return the row that ratios are printed against: TALOS-V2 if it is one of them, else C's scalar float32."""
    return BASE if BASE in rows else next(row for row in rows if row.name == "C float32, scalar")


def missing_rows(checkpoint: Checkpoint, word: Format = Q4_12) -> list[str]:
    """Return what is not measured, and why."""
    missing = [] if _has_mlx() else ["MLX: it is not installed; install talos[mlx]"]
    for arithmetic, label in _labels(word).items():
        try:
            Model(checkpoint, arithmetic, word=Q4_12 if arithmetic == "talos-v2" else word)
        except (TalosError, ValueError) as error:
            missing.append(f"{label}: {error}")
    return [*missing, *missing_cuda(checkpoint, word)]
