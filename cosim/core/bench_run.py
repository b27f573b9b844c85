"""A bench in a compiled design, in a folder of its own; what it found is believed if it is of this very run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from cosim.barrel.batch import Batch
from cosim.core.bench_config import PROGRESS, BenchConfig, Findings
from cosim.core.check import check_tests
from cosim.core.checker import Mismatch
from cosim.core.request import Request
from cosim.engine.compile import Model
from cosim.engine.run import run
from cosim.engine.run_folder import run_folder
from cosim.engine.simulators import SimulatorError, describe
from hdl.design import Design
from talos_ref.files import write_bytes

__all__ = ["run_bench"]


def run_bench(
    model: Model,
    design: Design,
    module: str,
    *,
    requests: Sequence[Request] = (),
    batches: Sequence[Batch] = (),
    test_filter: str | None = None,
    short: bool = False,
    reference: str = "python",
    seed: int = 1,
    plusargs: Sequence[str] = (),
    waveform: Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    on_line: Callable[[str], None] = lambda line: None,
    raise_mismatch: bool = True,
) -> Findings:
    """Run a bench and return what it found.

    Parameters
    ----------
    model
        The compiled circuit.
    design
        Design whose ports it has, and whose golden model answers.
    module
        Name of the bench, such as ``cosim.core.bench_names``.
    requests, batches
        For benches that take theirs from the config; batches are for a core with several streams.
    test_filter
        Regular expression for the names of the tests to be run; all by default.
    short
        Fewer requests in benches that make their own.
    reference
        What prepares the golden model's answers: ``python`` or ``c``.
    seed
        Of what a bench makes at random, if it asks cocotb for it.
    plusargs
        Further arguments of the simulator.
    waveform
        File that a waveform is written to, also where the core differs; the model must have been compiled for it.
    on_progress
        Called with requests done and in all.
    on_line
        Called with every other line that the bench prints.
    raise_mismatch
        False for a difference that is no surprise, and is returned in the findings.

    Raises
    ------
    Mismatch
        If the core differed from the golden model.
    SimulatorError
        If the run failed in any other way.
    """

    def read(line: str) -> None:
        if on_progress is not None and line.startswith(PROGRESS):
            done, total = line.removeprefix(PROGRESS).split()
            on_progress(int(done), int(total))
        else:
            on_line(line)

    with run_folder(model.runs, module.rpartition(".")[2]) as folder:
        config = BenchConfig(
            design=str(design.save(folder).resolve()), simulator=describe(model.kind), requests=tuple(requests),
            batches=tuple(batches), short=short, reference=reference,
        )  # fmt: skip
        try:
            outcome = run(
                model, module, folder, test_filter=test_filter, env=config.save(folder), seed=seed, plusargs=plusargs,
                waves=waveform is not None, on_line=read,
            )  # fmt: skip
        except SimulatorError:
            found = config.findings(folder)
            if found is None or found.mismatch is None:
                raise
        else:
            found = config.findings(folder)
            if found is None:
                raise SimulatorError(f"{module} in {describe(model.kind)} must leave findings in {folder}")
            check_tests(found, outcome.tests)
        if waveform is not None:
            write_bytes(waveform, (folder / "waves.vcd").read_bytes())
        # Raised in here, for a bench may have printed more of it: the folder with the log is then kept.
        if found.mismatch is not None and raise_mismatch:
            raise Mismatch(**found.mismatch)
    return found
