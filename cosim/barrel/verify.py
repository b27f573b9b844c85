"""A core with several streams in a simulator, from its generated Verilog to checked figures."""

from __future__ import annotations

from collections.abc import Callable

from cosim.barrel.batch import Batch
from cosim.barrel.measurement import BatchMeasurement
from cosim.core.bench_run import run_bench
from cosim.core.verify import compile_design, generate
from cosim.engine.simulators import Simulator, SimulatorError, describe
from hdl.core.config import CoreConfig
from hdl.design import Design
from talos_ref.golden.generate import quantise_temperature
from talos_ref.golden.xorshift32 import check_seed

__all__ = ["BATCHES_BENCH", "check_batch", "name_batch", "verify_batch"]

BATCHES_BENCH = "cosim.barrel.bench_batches"
"""The bench of the batches that it is given."""


def name_batch(core: CoreConfig, seed: int, count: int, temperature: float) -> Batch:
    """Return the batch of ``count`` seeds from ``seed`` on; ValueError for what the core can't draw."""
    check_seed(seed + count - 1)
    value = quantise_temperature(temperature, core.arithmetic.sampler)
    return Batch(seed=seed, count=count, temperature=value, limit=core.model.max_letters)


def verify_batch(
    design: Design,
    kind: Simulator,
    batch: Batch,
    *,
    reference: str = "python",
    report: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> BatchMeasurement:
    """Run a batch in lock step with the golden model; a difference ends the run and is returned in the measurement.

    ``report`` takes what is being done, how many names are done, and of how many. Raises SimulatorError if the
    simulator fails, or what it found is not what was asked for.
    """
    report("waiting for its Verilog", 0, batch.count)
    generated = generate(design)
    report("compiling", 0, batch.count)
    model = compile_design(kind, generated)
    findings = run_bench(
        model, design, BATCHES_BENCH, batches=[batch], reference=reference, raise_mismatch=False,
        on_progress=lambda done, total: report("simulating", done, total),
    )  # fmt: skip
    measured = BatchMeasurement(
        design=design,
        simulator=describe(kind),
        verilog_sha256=generated.sha256,
        batch=batch,
        counters=findings.counters,
        by_position=findings.by_position,
        values=findings.values,
        mismatch=findings.mismatch,
    )
    if measured.mismatch is None:
        check_batch(measured, findings.steps)
    report("different" if measured.mismatches else "done", batch.count, batch.count)
    return measured


def check_batch(measured: BatchMeasurement, steps: int) -> None:
    """Raise SimulatorError unless the findings are of this batch."""
    names = measured.by_position[0][1] if measured.by_position else 0
    if names != measured.batch.count:
        raise SimulatorError(f"there must be results of {measured.batch.count} names, not of {names}")
    counted = sum(steps for _, steps in measured.by_position)
    if not steps == counted == measured.steps:
        raise SimulatorError(f"steps must be as many in all counts, not {steps}, {counted} and {measured.steps}")
    if measured.cycles_by_stage["NO_MATRIX"] < 0:
        raise SimulatorError(f"cycles must be at least those of the matrix, not {measured.cycles}")
