"""The cores in lock step with the golden model, in both simulators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.progress import Progress

from cosim.core.checker import Mismatch
from cosim.core.measurement import Measurement
from cosim.engine.simulators import Simulator, SimulatorError
from cosim.names.order import Order
from cosim.simulate import Job, attempt, compare, name_requests
from hdl.design import Design

__all__ = ["Simulated", "co_simulate"]


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """What the simulations found."""

    runs: tuple[Measurement, ...]
    differences: tuple[str, ...]
    """What did not match, a line each."""
    failures: tuple[str, ...]
    """What could not be simulated, and why."""


def co_simulate(order: Order, designs: Sequence[Design], bars: Progress) -> Simulated:
    """Run every design in both simulators: the names of seed 1 on, every bit compared.

    Raises ValueError for a temperature that a core cannot draw with.
    """
    counts = {Simulator.VERILATOR: order.names, Simulator.ICARUS: order.icarus_names}
    jobs = [
        Job(design, kind, name_requests(design.core, 1, count, order.temperature))
        for design in designs
        for kind, count in counts.items()
    ]
    runs, failures = [], []
    for job, found in zip(jobs, attempt(jobs, bars), strict=True):
        if isinstance(found, SimulatorError):
            failures.append(f"{job.design.name} was not simulated in {job.kind.value}: {found}")
        else:
            runs.append(found)
    differences = [str(Mismatch(**run.mismatch)) for run in runs if run.mismatch is not None]
    differences += [line for run in runs for line in run.differences]
    return Simulated(
        runs=tuple(runs), differences=(*differences, *compare(runs)), failures=tuple(failures)
    )
