"""``python -m cosim speed``: what the lock step costs."""

from __future__ import annotations

from typing import Any

import click
from rich.table import Table

from cosim.core.model import REFERENCES
from cosim.core.speed import measure_speed
from cosim.core.verify import generate
from cosim.engine.simulators import Simulator, describe
from cosim.options import requests_option
from cosim.simulate import name_requests
from hdl.options import Choice, cores_option, design_option, several_designs
from talos_ref.options import Integer, OneOf, seed_option, temperature_option
from talos_ref.terminal import console

__all__ = ["speed"]


@click.command()
@cores_option
@design_option
@requests_option(2000, "names, of seeds S on")
@seed_option
@temperature_option
@click.option("--rounds", type=Integer(1, 100), default=3, metavar="N", help="times of each, in turn (default: 3)")
@click.option("--reference", type=OneOf(REFERENCES), default="python", metavar="NAME",
              help=f"who answers: {', '.join(REFERENCES)} (default: python)")  # fmt: skip
def speed(
    cores: tuple[str, ...], count: int, seed: int, temperature: float, rounds: int, reference: str, **options: Any
) -> None:
    """Measure the lock step beside a plain C++ loop around the same Verilated model."""
    table = Table(title=f"{describe(Simulator.VERILATOR)}, {count:,} names, {rounds} times each in turn: cycles in a "
                        "second of processor time", title_justify="left")  # fmt: skip
    table.add_column("core")
    for name in ("plain C++ loop", "lock step", "ratio", "steps compared"):
        table.add_column(name, justify="right")
    for design in several_designs(cores, Choice(**options)):
        requests = name_requests(design.core, seed, count, temperature)
        plain, lock_step = measure_speed(generate(design), requests, rounds, reference=reference)
        table.add_row(
            design.name, f"{plain.cycles_per_second:,.0f}", f"{lock_step.cycles_per_second:,.0f}",
            f"{lock_step.cycles_per_second / plain.cycles_per_second:.2f}", f"{lock_step.steps:,}",
        )  # fmt: skip
    console().print(table)
