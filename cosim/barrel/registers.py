"""Batches behind registers: the simulated board, of which a digest alone is read."""

from __future__ import annotations

from collections.abc import Sequence

from cosim.barrel.batch import Batch
from cosim.core.bench_config import Findings
from cosim.core.bench_run import run_bench
from cosim.core.verify import compile_design, generate
from cosim.engine.simulators import Simulator
from hdl.design import Design

__all__ = ["run_digests"]


def run_digests(design: Design, kind: Simulator, batches: Sequence[Batch]) -> Findings:
    """Run batches through the registers of a core with several streams; steps, letters and digest must be host_c's.

    Raises Mismatch if they are not, and SimulatorError if the simulator fails.
    """
    model = compile_design(kind, generate(design, system=True))
    return run_bench(model, design, "cosim.barrel.bench_registers", batches=batches)
