"""Several designs in several simulators, side by side, with progress on a terminal."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from cosim.core.measurement import Measurement, compare_simulators
from cosim.core.request import Request, name_request
from cosim.core.verify import Generated, generate, verify
from cosim.engine.simulators import Simulator, SimulatorError, describe
from hdl.core.config import CoreConfig
from hdl.design import Design
from talos_ref.golden.generate import quantise_temperature
from talos_ref.golden.xorshift32 import check_seed
from talos_ref.processes import workers
from talos_ref.terminal import error_console

__all__ = ["Job", "attempt", "batch_progress", "compare", "name_requests", "progress", "simulate"]

_RECORDED = 2
"""Names whose waveform is read; two, so that the way from one to the next is seen."""


@dataclass(frozen=True)
class Job:
    """Requests to one design in one simulator."""

    design: Design
    kind: Simulator
    requests: tuple[Request, ...]


def name_requests(core: CoreConfig, seed: int, count: int, temperature: float) -> tuple[Request, ...]:
    """Return requests for the names of ``count`` seeds from ``seed`` on; ValueError for what the core can't draw."""
    check_seed(seed + count - 1)
    value = quantise_temperature(temperature, core.arithmetic.sampler)
    return tuple(name_request(seed + index, value, core.model.max_letters) for index in range(count))


def progress() -> Progress:
    """Return bars on standard error, a line a task; none are drawn where that is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    err = error_console()
    return Progress(*columns, console=err, disable=not err.is_terminal)


def batch_progress(bars: Progress, design: Design, kind: Simulator) -> Callable[[str, int, int], None]:
    """Return what reports the progress of a batch on a bar of its own."""
    title = f"{design.name} in {describe(kind)}"
    task = bars.add_task(title, total=None)

    def report(what: str, done: int, total: int) -> None:
        bars.update(task, description=f"{title}: {what}", completed=done, total=total)

    return report


def simulate(
    jobs: Sequence[Job], bars: Progress, *, again: bool = False, reference: str = "python"
) -> list[Measurement]:
    """Generate, compile and run every job in lock step with the golden model; return what each found, in order.

    ``again`` and ``reference`` as of `cosim.core.verify.verify`. Raises SimulatorError, once all jobs have ended, if a
    tool fails.
    """
    found = attempt(jobs, bars, again=again, reference=reference)
    for result in found:
        if isinstance(result, SimulatorError):
            raise result
    return [result for result in found if isinstance(result, Measurement)]


def attempt(
    jobs: Sequence[Job], bars: Progress, *, again: bool = False, reference: str = "python"
) -> list[Measurement | SimulatorError]:
    """Do what `simulate` does, and return an error in the place of what a job would have found."""

    def work(job: Job, verilog: Future[Generated], task: TaskID) -> Measurement | SimulatorError:
        try:
            return measure(job, verilog, task)
        except SimulatorError as error:
            bars.update(task, description=f"{job.design.name} in {job.kind.value}: failed")
            return error

    def measure(job: Job, verilog: Future[Generated], task: TaskID) -> Measurement:
        wanted, title = len(job.requests), f"{job.design.name} in {describe(job.kind)}"

        def report(what: str, done: int, total: int) -> None:
            bars.update(task, description=f"{title}: {what}", completed=done, total=total)

        report("waiting for its Verilog", 0, wanted)
        generated = verilog.result()
        # Icarus alone records, for it needs no second compilation; both simulators agree on the cycles.
        recorded = min(_RECORDED, wanted) if job.kind is Simulator.ICARUS else 0
        measurement = verify(
            job.kind, generated, job.requests, recorded=recorded, report=report, again=again, reference=reference
        )
        done = "different" if measurement.mismatches else "unchanged" if measurement.cached else "done"
        report(done, len(measurement.counted), wanted)
        return measurement

    # Everything that takes long is a process of its own; a thread waits for it. The designs go first, so that no run
    # can wait for one that has no thread to be made in.
    with workers(max(2, os.cpu_count() or 1)) as pool:
        designs = {job.design.digest(): job.design for job in jobs}
        files = {digest: pool.submit(generate, design) for digest, design in designs.items()}
        runs = []
        for job in jobs:
            task = bars.add_task(f"{job.design.name} in {job.kind.value}", total=None)
            runs.append(pool.submit(work, job, files[job.design.digest()], task))
        return [run.result() for run in runs]


def compare(runs: Sequence[Measurement]) -> list[str]:
    """Return where the simulators of one core disagree, a line each; cores with a mismatch are left out."""
    lines = []
    for name in dict.fromkeys(run.core.name for run in runs):
        mine = [run for run in runs if run.core.name == name]
        if not any(run.mismatch is not None for run in mine):
            lines += [line for other in mine[1:] for line in compare_simulators(mine[0], other)]
    return lines
