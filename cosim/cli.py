"""The command lines ``python -m cosim sim``, ``waves`` and ``gantt``; ``cosim.evidence.commands`` has the others."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from cosim.core.checker import Mismatch
from cosim.core.measurement import Measurement, compare_simulators
from cosim.core.model import REFERENCES
from cosim.core.request import Request, name_request
from cosim.core.verify import Generated, generate, verify
from cosim.engine.simulators import Simulator, SimulatorError, describe, simulator
from cosim.evidence.commands import add_evidence
from cosim.report.gantt import draw, read_gantt, text_chart
from cosim.report.tables import print_report
from cosim.report.waves import record
from hdl.core.config import CLOCK_HZ, CORES, CoreConfig
from hdl.design import Design, make_design
from talos_ref.files import check_writable, write_bytes
from talos_ref.golden.generate import quantise_temperature
from talos_ref.golden.xorshift32 import check_seed
from talos_ref.model.checkpoint import DEFAULT_PATH, load
from talos_ref.terminal import console

__all__ = ["main"]

_MAX_NAMES = 100_000
_RECORDED = 2
"""Names whose waveform is read; two, so that the way from one to the next is seen."""
_BUILD = Path("build")


class _Parser(argparse.ArgumentParser):
    """Reports what is wrong with an option in one line, with exit status 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}\n")


def _count(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be an integer, not {text[:40]!r}") from None
    if not 1 <= value <= _MAX_NAMES:
        raise argparse.ArgumentTypeError(f"must be 1 to {_MAX_NAMES}, not {value}")
    return value


def _seed(text: str) -> int:
    try:
        return check_seed(int(text, 0))
    except ValueError as error:
        known = str(error) if str(error).startswith("seed") else f"must be an integer, not {text[:40]!r}"
        raise argparse.ArgumentTypeError(known) from None


def _temperature(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, not {text[:40]!r}") from None


def _requests(core: CoreConfig, seed: int, count: int, temperature: float) -> list[Request]:
    """Return requests for the names of ``count`` seeds from ``seed`` on."""
    check_seed(seed + count - 1)
    value = quantise_temperature(temperature, core.arithmetic.sampler)
    return [name_request(seed + index, value, core.model.max_letters) for index in range(count)]


def _run(
    designs: Sequence[Design],
    kinds: Sequence[Simulator],
    requests: Mapping[tuple[str, Simulator], Sequence[Request]],
    *,
    again: bool,
    reference: str,
) -> list[Measurement]:
    """Generate, compile and run every core in every simulator, several at a time, with progress on a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("names"))
    err = Console(stderr=True)
    with Progress(*columns, TimeElapsedColumn(), console=err, disable=not err.is_terminal) as progress:

        def work(core: CoreConfig, kind: Simulator, verilog: Future[Generated], task: TaskID) -> Measurement:
            wanted, title = requests[core.name, kind], f"{core.name} in {describe(kind)}"

            def report(what: str, done: int, total: int) -> None:
                progress.update(task, description=f"{title}: {what}", completed=done, total=total)

            report("waiting for its Verilog", 0, len(wanted))
            generated = verilog.result()
            # Icarus alone records, for it needs no second compilation; both simulators agree on the cycles.
            recorded = min(_RECORDED, len(wanted)) if kind is Simulator.ICARUS else 0
            measurement = verify(
                kind, generated, wanted, recorded=recorded, report=report, again=again, reference=reference
            )
            done = "different" if measurement.mismatches else "unchanged" if measurement.cached else "done"
            report(done, len(measurement.counted), len(wanted))
            return measurement

        # Everything that takes long is a process of its own; a thread waits for it. The designs go first, so that no
        # run can wait for one that has no thread to be made in.
        with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 1)) as pool:
            files = [pool.submit(generate, design) for design in designs]
            runs = [
                pool.submit(
                    work, design.core, kind, file, progress.add_task(f"{design.name} in {kind.value}", total=None)
                )
                for design, file in zip(designs, files, strict=True)
                for kind in kinds
            ]
            return [run.result() for run in runs]


def _sim(options: argparse.Namespace) -> int:
    checkpoint = load(options.weights)
    designs = [make_design(name, checkpoint) for name in dict.fromkeys(options.core or CORES)]
    cores = [design.core for design in designs]
    kinds = [simulator(name) for name in dict.fromkeys(options.simulator or ("verilator", "icarus"))]
    counts = {Simulator.VERILATOR: options.names, Simulator.ICARUS: options.icarus_names}
    requests = {
        (core.name, kind): _requests(core, options.seed, counts[kind], options.temperature)
        for core in cores
        for kind in kinds
    }
    out = Path(options.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    check_writable(out)
    for kind in kinds:
        describe(kind)

    runs = _run(designs, kinds, requests, again=options.again, reference=options.reference)
    differences = [line for core in cores for line in _between([run for run in runs if run.core.name == core.name])]
    print_report(runs, console())
    text = {
        "clock_hz": CLOCK_HZ,
        "temperature": options.temperature,
        "first_seed": options.seed,
        "reference": options.reference,
        "runs": [run.to_json() for run in runs],
        "simulators_differ": differences,
    }
    write_bytes(out, (json.dumps(text, indent=1) + "\n").encode())
    print(f"{out} written")
    for run in runs:
        if run.mismatch is not None:
            print(f"error: {Mismatch(**run.mismatch)}", file=sys.stderr)
        differences += run.differences
    for line in differences:
        print(f"error: {line}", file=sys.stderr)
    return int(bool(differences) or any(run.mismatches for run in runs))


def _between(runs: Sequence[Measurement]) -> list[str]:
    """Return where the simulators of one core disagree; nothing to compare where a run met a mismatch."""
    if any(run.mismatch is not None for run in runs):
        return []
    return [line for other in runs[1:] for line in compare_simulators(runs[0], other)]


def _waves(options: argparse.Namespace) -> int:
    design, kind = make_design(options.core, load(options.weights)), simulator(options.simulator)
    core = design.core
    request = _requests(core, options.seed, 1, options.temperature)[0]
    folder = Path(options.out)
    recording, mismatch = record(kind, generate(design), request, folder)
    print(f"{recording.vcd} written: {request.describe()} on {core.name} in {describe(kind)}")
    print(f"{recording.save} written: signals by unit, states and stages by name")
    recording.open(print)
    if mismatch is not None:
        print(f"error: {mismatch}", file=sys.stderr)
    return int(mismatch is not None)


def _gantt(options: argparse.Namespace) -> int:
    design = make_design(options.core, load(options.weights))
    core = design.core
    request = _requests(core, options.seed, 1, options.temperature)[0]
    folder = Path(options.out)
    recording, mismatch = record(Simulator.ICARUS, generate(design), request, folder)
    if mismatch is not None:
        print(f"error: {mismatch}", file=sys.stderr)
        return 1
    gantt = read_gantt(recording.vcd, core, options.step)
    chart = folder / f"{core.name}-seed{options.seed}-step{options.step}.svg"
    draw(gantt, chart)
    print(text_chart(gantt))
    print(f"{chart} written")
    return 0


def _parser() -> argparse.ArgumentParser:
    root = _Parser(prog="cosim", description="Circuits in lock step with the golden model.", allow_abbrev=False)
    commands = root.add_subparsers(metavar="COMMAND", required=True)
    sim = commands.add_parser("sim", help="cycles and tokens per second of every core, every bit compared")
    sim.add_argument("--core", action="append", metavar="NAME", help=f"of {', '.join(CORES)} (default: all)")
    sim.add_argument("--simulator", action="append", metavar="NAME", help="verilator or icarus (default: both)")
    sim.add_argument("--names", type=_count, default=1000, metavar="N", help="under Verilator (default: 1000)")
    sim.add_argument("--icarus-names", type=_count, default=5, metavar="N", help="under Icarus (default: 5)")
    sim.add_argument("--out", default=str(_BUILD / "sim.json"), metavar="FILE", help="default: build/sim.json")
    sim.add_argument("--reference", choices=REFERENCES, default="python", help="who answers (default: python)")
    sim.add_argument("--again", action="store_true", help="simulate also what has not changed since the last time")
    sim.set_defaults(run=_sim)
    waves = commands.add_parser("waves", help="waveform of one name, with a save file for GTKWave")
    waves.add_argument("--core", default=next(iter(CORES)), metavar="NAME", help=f"one of {', '.join(CORES)}")
    waves.add_argument("--simulator", default="icarus", metavar="NAME", help="icarus (default) or verilator")
    waves.add_argument("--out", default=str(_BUILD / "waves"), metavar="FOLDER", help="default: build/waves")
    waves.set_defaults(run=_waves)
    gantt = commands.add_parser("gantt", help="which unit works in which cycle of one step, from a waveform")
    gantt.add_argument("--core", default="fused", metavar="NAME", help=f"one of {', '.join(CORES)} (default: fused)")
    gantt.add_argument("--step", type=int, default=1, metavar="K", help="of the name, from 0 (default: 1)")
    gantt.add_argument("--out", default=str(_BUILD / "gantt"), metavar="FOLDER", help="default: build/gantt")
    gantt.set_defaults(run=_gantt)
    add_evidence(commands, _count)
    for command in (sim, waves, gantt):
        command.add_argument("--weights", default=DEFAULT_PATH, metavar="FILE", help="default: the committed one")
        command.add_argument("--seed", type=_seed, default=1, metavar="S", help="of the first name (default: 1)")
        command.add_argument("--temperature", type=_temperature, default=0.5, metavar="T", help="default: 0.5")
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0, 1 for a difference or a failure, 2 for bad input."""
    try:
        options = _parser().parse_args(arguments)
        status: int = options.run(options)
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        return 130
    except (SimulatorError, Mismatch) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except (TypeError, ValueError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return status
