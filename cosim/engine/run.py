"""cocotb test benches run in a compiled design, with the verdict taken from cocotb's results file."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import cocotb_tools.config

from cosim.engine.compile import Model
from cosim.engine.simulators import Simulator, SimulatorError, child_environment, describe, find_program
from talos_ref.files import is_full, name_failures
from talos_ref.processes import execute

__all__ = ["Outcome", "run"]

_RESULTS, _WAVEFORM = "results.xml", "waves.vcd"

@dataclass(frozen=True)
class Outcome:
    """A run in which at least one cocotb test ran and every one passed."""

    model: Model
    """What was run."""
    tests: tuple[str, ...]
    """Names of the tests that passed, in order."""
    folder: Path
    """Working folder of the run."""
    log: Path
    """Everything that the simulator and the tests printed."""
    waveform: Path | None
    """The VCD file, if one was asked for."""
    seconds: float
    """Wall time of the run, without the compilation."""


def run(
    model: Model,
    test_module: str,
    folder: Path,
    *,
    test_filter: str | None = None,
    env: Mapping[str, str] | None = None,
    seed: int = 1,
    plusargs: Sequence[str] = (),
    waves: bool = False,
    timeout: float | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Outcome:
    """Run the cocotb tests of a Python module in a compiled design.

    Parameters
    ----------
    model
        The design, from `cosim.engine.compile.compile_verilog`.
    test_module
        Importable name of the module that holds the ``@cocotb.test`` functions.
    folder
        Where the simulation runs and leaves its files, results among them; made if need be, and this run's alone.
    test_filter
        Regular expression that the names of the tests to be run must match; all of them without it.
    env
        Variables that the tests find in ``os.environ``; this process's own stay as they are.
    seed
        Seed of Python's generator inside the simulator.
    plusargs
        Further arguments of the simulator, such as ``+verilator+seed+7``.
    waves
        Record a VCD file; the model must have been built for it.
    timeout
        Wall time in seconds after which the simulator is ended.
    on_line
        Called with each line that the simulator prints.

    Raises
    ------
    ValueError
        If ``waves`` is asked of a model built without, or results of another run are in ``folder``.
    SimulatorError
        If a test failed, none ran, or the simulator crashed or took too long; the log's last lines are in the message.
    OSError
        If ``folder`` cannot be written.
    """
    if waves and not model.waves:
        raise ValueError("waves must be asked for when the model is built too, not only for the run")
    results, log, waveform = folder / _RESULTS, folder / "run.log", folder / _WAVEFORM
    if results.exists() or log.exists():
        raise ValueError(f"folder must be this run's alone, not {str(folder)!r}, which holds another one's files")
    what = f"{test_module} in {describe(model.kind)}"
    environment = child_environment(
        {
            "COCOTB_TOPLEVEL": model.top,
            "TOPLEVEL_LANG": "verilog",
            "COCOTB_TEST_MODULES": test_module,
            "COCOTB_RESULTS_FILE": _RESULTS,
            "COCOTB_RANDOM_SEED": str(seed),
            "COCOTB_ANSI_OUTPUT": "0",
            # Verilator applies a written value itself, at the right moment; without this cocotb imitates it, slowly.
            **({"COCOTB_TRUST_INERTIAL_WRITES": "1"} if model.kind is Simulator.VERILATOR else {}),
            **({} if test_filter is None else {"COCOTB_TEST_FILTER": test_filter}),
            **(env or {}),
        }
    )
    started = time.monotonic()
    try:
        with name_failures(folder):
            folder.mkdir(parents=True, exist_ok=True)
            command = [*_command(model, waves), *plusargs]
            status = execute(command, folder, environment, log, timeout=timeout, on_line=on_line)
        if status is None:
            raise SimulatorError(f"{what} took more than {timeout} seconds", log)
        tests = _passed(results, what, log)
        if status != 0:
            raise SimulatorError(f"{describe(model.kind)} ended with status {status} though no test failed", log)
    except SimulatorError as error:
        # Each simulator says something else of it, or nothing.
        if is_full(folder):
            raise SimulatorError(f"no room is left on the disk of {folder}: {error}") from None
        raise
    return Outcome(model, tests, folder, log, waveform if waves else None, time.monotonic() - started)


def _command(model: Model, waves: bool) -> list[str]:
    # Relative names: Icarus 11 refuses a path with a letter that is not ASCII.
    if model.kind is Simulator.VERILATOR:
        return [str(model.program), *(["--trace", "--trace-file", _WAVEFORM] if waves else [])]
    vpi = cocotb_tools.config.lib_entry("vpi", "icarus")
    record = ["-vcd", f"+waves={_WAVEFORM}"] if waves else ["-none"]
    return [find_program("vvp"), "-n", "-m", vpi, str(model.program), *record]


def _passed(results: Path, what: str, log: Path) -> tuple[str, ...]:
    """Return the names of the tests in a results file; raise unless there are some and all passed."""
    if not results.is_file():
        raise SimulatorError(f"{what} ended before its tests did", log)
    cases = list(ElementTree.parse(results).iter("testcase"))
    failed = [str(case.get("name")) for case in cases if {child.tag for child in case} & {"failure", "error"}]
    if failed:
        raise SimulatorError(f"{len(failed)} of {len(cases)} tests failed in {what}: {', '.join(failed)}", log)
    names = tuple(str(case.get("name")) for case in cases if case.find("skipped") is None)
    if not names:
        raise SimulatorError(f"no test ran in {what}", log)
    return names
