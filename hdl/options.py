"""The options by which every command line chooses a design, and what they choose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import click

from hdl.core.config import CLOCK_HZ, CORES
from hdl.design import Design, make_design
from talos_ref.model.checkpoint import load, weights_path
from talos_ref.options import OneOf, Option, weights_option

__all__ = ["Choice", "Megahertz", "clock_option", "design_options"]

C = TypeVar("C", bound=Callable[..., Any] | click.Command)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What the options of a command say of the design; None where they say nothing."""

    core: str | None = None
    weights: str | None = None
    """File of a checkpoint."""
    design: str | None = None
    """File that ``Design.save`` wrote, which says all the rest."""
    clock_hz: int | None = None

    def __post_init__(self) -> None:
        others = {"core": self.core, "weights": self.weights, "clock": self.clock_hz}
        given = [f"--{name}" for name, value in others.items() if value is not None]
        if self.design is not None and given:
            raise ValueError(f"--design must stand without {given[0]}: the file says what the design is")

    def resolve(self, default_core: str | None = None) -> Design:
        """Return the design that is chosen.

        Raises OSError or ValueError, naming the file, if a file cannot be used; ValueError if no core is chosen and
        there is no default, or the core cannot be built with the checkpoint.
        """
        if self.design is not None:
            return Design.load(Path(self.design))
        core = self.core or default_core
        if core is None:
            raise ValueError("--core must be given, or --design")
        clock_hz = CLOCK_HZ if self.clock_hz is None else self.clock_hz
        return make_design(core, load(weights_path(self.weights)), clock_hz=clock_hz)


class Megahertz(click.ParamType[int]):
    """A frequency in MHz with at most six decimals, as an integer in Hz."""

    name = "MHz"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            hertz = Decimal(value) * 1_000_000
            whole = int(hertz)
        except (ArithmeticError, ValueError):
            hertz, whole = Decimal("NaN"), 0
        if hertz != whole:
            self.fail(f"must be a number of MHz with at most six decimals, not {value[:40]!r}", param, ctx)
        return whole


def design_options(core_help: str = "which core") -> Option:
    """Add ``--core NAME``, ``--weights FILE`` and ``--design FILE``, for `Choice`."""

    def add(command: C) -> C:
        text = "design.json of a folder, in place of --core and --weights"
        command = click.option("--design", metavar="FILE", help=text)(command)
        command = weights_option(command)
        text = f"{core_help}: {', '.join(CORES)}"
        return click.option("--core", type=OneOf(list(CORES)), metavar="NAME", help=text)(command)

    return add


def clock_option(command: C) -> C:
    """Add ``--clock MHZ``, the clock of the core."""
    text = f"of the core (default: {CLOCK_HZ / 1e6:g})"
    return click.option("--clock", "clock_hz", type=Megahertz(), metavar="MHZ", help=text)(command)
