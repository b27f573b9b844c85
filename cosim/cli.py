"""The command line ``python -m cosim``: circuits in lock step with the golden model.

`commands` is a click group, which another command line can mount. `cosim.report.commands` has the views,
`cosim.evidence.commands` the checks of netlist and power-up, `cosim.campaign.cli` campaigns, `cosim.coverage.cli` what
they reach, `cosim.names.command` the way from words to everything, `cosim.page.command` the page.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from cosim.barrel.commands import digest
from cosim.barrel.measurement import BatchMeasurement
from cosim.barrel.report import batch_table
from cosim.barrel.verify import name_batch, verify_batch
from cosim.campaign.cli import campaign
from cosim.core.checker import Mismatch
from cosim.core.commands import speed
from cosim.core.measurement import Measurement
from cosim.core.model import REFERENCES
from cosim.coverage.cli import coverage
from cosim.engine.simulators import Simulator, SimulatorError, describe
from cosim.evidence.cli import gates, reset
from cosim.evidence.upset_report import upsets
from cosim.names.command import names
from cosim.options import MAX_NAMES, requests_option, simulators_option
from cosim.page.command import page
from cosim.page.toolchain import ToolchainError
from cosim.prove.cli import prove
from cosim.report.commands import gantt, waves
from cosim.report.tables import print_report
from cosim.simulate import Job, batch_progress, compare, name_requests, progress, simulate
from hdl.core.config import CLOCK_HZ
from hdl.options import EVERY_CORE, Choice, design_option, every_core_option, several_designs
from talos_ref.command_line import SETTINGS, run
from talos_ref.files import check_writable, make_folder, write_bytes
from talos_ref.options import Integer, OneOf, seed_option, temperature_option
from talos_ref.terminal import console, error_console

__all__ = ["commands", "main"]



@click.group(context_settings=SETTINGS, no_args_is_help=False)
def commands() -> None:
    """Circuits in lock step with the golden model."""


for _command in (names, waves, gantt, gates, reset, prove, upsets, campaign, coverage, page, digest, speed):
    commands.add_command(_command)


@commands.command()
@every_core_option
@design_option
@simulators_option
@requests_option(1000, "names under Verilator, of seeds S on")
@click.option("--icarus-count", "--icarus-names", type=Integer(1, MAX_NAMES), default=5, metavar="N",
              help="names under Icarus (default: 5)")  # fmt: skip
@seed_option
@temperature_option
@click.option("--reference", type=OneOf(REFERENCES), default="python", metavar="NAME",
              help=f"who answers: {', '.join(REFERENCES)} (default: python)")  # fmt: skip
@click.option("--again", is_flag=True, help="simulate also what has not changed since the last time")
@click.option("--out", default="build/sim.json", metavar="FILE", help="default: build/sim.json")
def sim(
    *,
    cores: tuple[str, ...],
    simulators: tuple[Simulator, ...],
    count: int,
    icarus_count: int,
    seed: int,
    temperature: float,
    reference: str,
    again: bool,
    out: str,
    **options: Any,
) -> int:
    """Measure cycles and letters per second of every core, and compare every bit."""
    every = several_designs(cores, Choice(**options), EVERY_CORE)
    designs = [design for design in every if design.core.streams == 1]
    counts = {Simulator.VERILATOR: count, Simulator.ICARUS: icarus_count}
    jobs = [
        Job(design, kind, name_requests(design.core, seed, counts[kind], temperature))
        for design in designs
        for kind in simulators
    ]
    batches = [
        (design, kind, name_batch(design.core, seed, counts[kind], temperature))
        for design in every
        if design.core.streams > 1
        for kind in simulators
    ]
    path = Path(out)
    make_folder(path.parent)
    check_writable(path)
    for kind in simulators:
        describe(kind)

    with progress() as bars:
        runs = simulate(jobs, bars, again=again, reference=reference)
        together = [
            verify_batch(design, kind, batch, reference=reference, report=batch_progress(bars, design, kind))
            for design, kind, batch in batches
        ]
    everything: list[Measurement | BatchMeasurement] = [*runs, *together]
    differences = compare(runs)
    text = {
        "clock_hz": CLOCK_HZ,
        "temperature": temperature,
        "first_seed": seed,
        "reference": reference,
        "runs": [found.to_json() for found in everything],
        "simulators_differ": differences,
    }
    write_bytes(path, (json.dumps(text, indent=1) + "\n").encode())
    if runs:
        print_report(runs, console())
    if together:
        console().print(batch_table(together))
    print(f"{path} written")
    err = error_console()
    for mismatch in [found.mismatch for found in everything]:
        if mismatch is not None:
            err.print(f"error: {Mismatch(**mismatch)}", markup=False)
    for found in runs:
        differences += found.differences
    for line in differences:
        err.print(f"error: {line}", markup=False)
    return int(bool(differences) or any(found.mismatches for found in everything))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0, 1 for a difference or a failure, 2 for bad input."""
    return run(commands, arguments, "python -m cosim", failures=(SimulatorError, ToolchainError, Mismatch))
