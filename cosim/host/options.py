"""The options of the host's commands: which board, which design, which names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import click

from cosim.host.transports import TRANSPORTS
from hdl.boards.parts.serial_protocol import BAUD
from hdl.core.config import BARRELS, CORES
from hdl.options import EVERY_CORE, PREFERRED, design_options
from talos_ref.options import (
    Integer,
    Number,
    OneOf,
    Option,
    json_option,
    letter_limit_option,
    seed_option,
    temperature_option,
)

__all__ = ["ANY", "BATCHES", "DESIGN", "ONE_STREAM", "board_options", "drawing_options"]

C = TypeVar("C", bound=Callable[..., Any] | click.Command)

DESIGN = ("core", "weights", "format", "design")
"""Names of the options that choose a design."""
_MOST_SECONDS = 3600


class _Seconds(Number):
    """A time limit."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds = super().convert(value, param, ctx)
        if not 0 < seconds <= _MOST_SECONDS:
            self.fail(f"must be more than 0 and at most {_MOST_SECONDS} seconds, not {value}", param, ctx)
        return seconds


def _design(cores: Sequence[str], simulated: str = f"{PREFERRED[0]}, or the fastest that the model can have") -> Option:
    return design_options(f"default: what is on the board; simulated, {simulated}", cores=cores)


def board_options(design: Option) -> Option:
    """Add what every command with a board takes; ``design`` adds which."""
    return partial(_with, design)


def _with(design: Option, command: C) -> C:
    first, *others = TRANSPORTS
    for option in (
        click.option("--accesses", metavar="FILE", help="write every register access to a file, one a line"),
        click.option("--save", metavar="FILE", help="write everything to a JSON file as well"),
        json_option("an object a line"),
        click.option("--timeout", type=_Seconds(), default=90.0, metavar="SECONDS",
                     help="for one access, name or step, or the next name of a batch (default: 90)"),
        design,
        click.option("--baud", type=Integer(1), metavar="RATE",
                     help=f"of the serial transport, bits a second (default: {BAUD})"),
        click.option("--port", metavar="PORT",
                     help="of the serial transport, such as /dev/ttyUSB0 or COM3 (default: the only one on USB)"),
        click.option("--transport", type=OneOf(list(TRANSPORTS)), default=first, metavar="NAME",
                     help=f"{first} (default), or a real board: {', '.join(others)}"),
    ):  # fmt: skip
        command = option(command)
    return command


ONE_STREAM, ANY = _design(tuple(CORES)), _design(EVERY_CORE)
"""Options that choose a design: of a core of one stream, or of any."""
BATCHES = _design(tuple(BARRELS), next(iter(BARRELS)))
"""Options that choose a design of a core with several streams."""


def drawing_options(command: C) -> C:
    """Add what a command that draws names takes, for `commands.Drawing`."""
    for option in (
        click.option("--replay", is_flag=True, help="also repeat every name in single steps, and compare all logits"),
        click.option("--check", is_flag=True, help="compare everything with the golden model"),
        letter_limit_option,
        temperature_option,
        seed_option,
    ):
        command = option(command)
    return command
