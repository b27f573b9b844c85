"""``python -m cosim waves`` and ``gantt``: a name as a waveform, a step as a chart."""

from __future__ import annotations

from typing import Any

import click

from cosim.core.verify import generate
from cosim.engine.simulators import Simulator, describe
from cosim.options import simulator_option
from cosim.report.gantt import draw, record_gantt, text_chart
from cosim.report.waves import record
from cosim.simulate import name_requests
from hdl.options import Choice, design_options
from talos_ref.files import make_folder
from talos_ref.options import Integer, seed_option, temperature_option

__all__ = ["gantt", "waves"]


@click.command()
@design_options()
@simulator_option
@seed_option
@temperature_option
@click.option("--out", default="build/waves", metavar="FOLDER", help="default: build/waves")
def waves(kind: Simulator, seed: int, temperature: float, out: str, **options: Any) -> None:
    """Record the waveform of one name, with a save file for GTKWave."""
    design, folder = Choice(**options).resolve(), make_folder(out)
    [request] = name_requests(design.core, seed, 1, temperature)
    recording, mismatch = record(kind, generate(design), request, folder)
    print(f"{recording.vcd} written: {request.describe()} on {design.name} in {describe(kind)}")
    print(f"{recording.save} written: signals by unit, states and stages by name")
    recording.open(print)
    if mismatch is not None:
        raise mismatch


@click.command()
@design_options()
@seed_option
@temperature_option
@click.option("--step", type=Integer(0), default=1, metavar="K", help="of the name, from 0 (default: 1)")
@click.option("--out", default="build/gantt", metavar="FOLDER", help="default: build/gantt")
def gantt(seed: int, temperature: float, step: int, out: str, **options: Any) -> None:
    """Show which unit works in which cycle of one step, from a waveform."""
    design, folder = Choice(**options).resolve(), make_folder(out)
    [request] = name_requests(design.core, seed, 1, temperature)
    read = record_gantt(generate(design), request, step)
    chart = folder / f"{design.name}-seed{seed}-step{step}.svg"
    draw(read, chart)
    print(text_chart(read))
    print(f"{chart} written")
