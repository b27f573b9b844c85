"""cocotb test benches run in a compiled design, with the verdict taken from cocotb's results file."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import cocotb_tools.config

from cosim.engine.compile import Model, build, exclusive
from cosim.engine.simulators import Simulator, SimulatorError, child_environment, describe, find_program

__all__ = ["Outcome", "build_and_run", "run"]


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
    *,
    name: str = "run",
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
        The design, from `cosim.engine.compile.build`.
    test_module
        Importable name of the module that holds the ``@cocotb.test`` functions.
    name
        Folder of this run below the model's; runs of one name wait for one another, others go side by side.
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
        If ``waves`` is asked of a model built without.
    SimulatorError
        If a test failed, none ran, or the simulator crashed or took too long; the log's last lines are in the message.
    """
    if waves and not model.waves:
        raise ValueError("waves must be asked for when the model is built too, not only for the run")
    folder = model.folder / "runs" / name
    results, log, waveform = folder / "results.xml", folder / "run.log", folder / "waves.vcd"
    environment = child_environment(
        {
            "COCOTB_TOPLEVEL": model.top,
            "TOPLEVEL_LANG": "verilog",
            "COCOTB_TEST_MODULES": test_module,
            "COCOTB_RESULTS_FILE": str(results),
            "COCOTB_RANDOM_SEED": str(seed),
            "COCOTB_ANSI_OUTPUT": "0",
            # Verilator applies a written value itself, at the right moment; without this cocotb imitates it, slowly.
            **({"COCOTB_TRUST_INERTIAL_WRITES": "1"} if model.kind is Simulator.VERILATOR else {}),
            **({} if test_filter is None else {"COCOTB_TEST_FILTER": test_filter}),
            **(env or {}),
        }
    )
    with exclusive(folder.with_name(f".{folder.name}.lock")):
        folder.mkdir(exist_ok=True)
        for stale in (results, waveform):
            stale.unlink(missing_ok=True)
        started = time.monotonic()
        command = [*_command(model, waveform if waves else None), *plusargs]
        status = _execute(command, folder, environment, log, timeout, on_line)
        seconds = time.monotonic() - started
        if status is None:
            raise SimulatorError(f"{test_module} in {describe(model.kind)} took more than {timeout} seconds", log)
        tests = _passed(results, f"{test_module} in {describe(model.kind)}", log)
        if status != 0:
            raise SimulatorError(f"{describe(model.kind)} ended with status {status} though no test failed", log)
    return Outcome(model, tests, folder, log, waveform if waves else None, seconds)


def build_and_run(
    kind: Simulator,
    sources: Sequence[Path],
    top: str,
    test_module: str,
    build_dir: Path,
    *,
    parameters: Mapping[str, int] | None = None,
    public: Iterable[tuple[str, str]] = (),
    waves: bool = False,
    name: str = "run",
    test_filter: str | None = None,
    env: Mapping[str, str] | None = None,
    seed: int = 1,
    timeout: float | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Outcome:
    """Compile if need be, and run; arguments and errors are those of `cosim.engine.compile.build` and `run`."""
    model = build(kind, sources, top, build_dir, parameters=parameters, public=public, waves=waves)
    return run(
        model,
        test_module,
        name=name,
        test_filter=test_filter,
        env=env,
        seed=seed,
        waves=waves,
        timeout=timeout,
        on_line=on_line,
    )


def _command(model: Model, waveform: Path | None) -> list[str]:
    if model.kind is Simulator.VERILATOR:
        return [str(model.program), *(["--trace", "--trace-file", str(waveform)] if waveform else [])]
    vpi = cocotb_tools.config.lib_entry("vpi", "icarus")
    record = ["-vcd", f"+waves={waveform}"] if waveform else ["-none"]
    return [find_program("vvp"), "-n", "-m", vpi, str(model.program), *record]


def _execute(
    command: list[str],
    folder: Path,
    env: dict[str, str],
    log: Path,
    timeout: float | None,
    on_line: Callable[[str], None] | None,
) -> int | None:
    """Run a command with its output in ``log`` and return its status, or None if it had to be ended."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        process.kill()

    timer = threading.Timer(timeout, expire) if timeout is not None else None
    if timer is not None:
        timer.start()
    try:
        with process, log.open("w") as output:
            assert process.stdout is not None
            for line in process.stdout:
                output.write(line)
                if on_line is not None:
                    on_line(line.rstrip("\n"))
    except BaseException:
        process.kill()
        raise
    finally:
        if timer is not None:
            timer.cancel()
    return None if expired.is_set() else process.returncode


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
