"""Options of the commands that simulate."""

from __future__ import annotations

from typing import Any

import click

from cosim.engine.simulators import Simulator, simulator
from talos_ref.options import C, Integer, Option

__all__ = ["MAX_NAMES", "SimulatorName", "requests_option", "simulator_option", "simulators_option"]

MAX_NAMES = 100_000
"""Names at most in one run: a slip of the keyboard is caught."""


class SimulatorName(click.ParamType[Simulator]):
    """The name of a simulator."""

    name = "simulator"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Simulator:
        if isinstance(value, Simulator):
            return value
        try:
            return simulator(value)
        except ValueError as error:
            self.fail(str(error).removeprefix("simulator "), param, ctx)


def simulator_option(command: C) -> C:
    """Add ``--simulator NAME``, Icarus by default."""
    text = "icarus or verilator (default: icarus)"
    option = click.option(
        "--simulator", "kind", type=SimulatorName(), default=Simulator.ICARUS, metavar="NAME", help=text
    )
    return option(command)


def simulators_option(command: C) -> C:
    """Add ``--simulator NAME``, which may be repeated; both by default."""
    text = "icarus or verilator; may be repeated (default: both)"
    both = (Simulator.VERILATOR, Simulator.ICARUS)
    option = click.option(
        "--simulator", "simulators", type=SimulatorName(), multiple=True, default=both, metavar="NAME", help=text,
        callback=lambda ctx, param, value: tuple(dict.fromkeys(value)),
    )  # fmt: skip
    return option(command)


def requests_option(default: int, what: str) -> Option:
    """Add ``--count N``, also called ``--names N``: how many names are simulated."""
    text = f"{what} (default: {default})"
    return click.option("--count", "--names", type=Integer(1, MAX_NAMES), default=default, metavar="N", help=text)
