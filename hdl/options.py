"""The options by which every command line chooses a design, and what they choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from hdl.core.config import BARRELS, CLOCK_HZ, CORES, CoreConfig
from hdl.core.cores import core_config, suitable_cores
from hdl.design import Design, make_design
from hdl.device.chip import Chip
from hdl.device.cyclone_v import CHIP
from hdl.word_choice import choose_word
from talos_ref.commands.word_format import AUTO
from talos_ref.golden.format import FORMATS
from talos_ref.model.checkpoint import Checkpoint, load, weights_path
from talos_ref.options import C, OneOf, Option, weights_option

__all__ = [
    "EVERY_CORE",
    "PREFERRED",
    "Choice",
    "Megahertz",
    "bound_core",
    "clock_option",
    "cores_option",
    "design_option",
    "design_options",
    "every_core_option",
    "fastest_core",
    "format_option",
    "scrub_option",
    "several_designs",
]

EVERY_CORE = (*CORES, *BARRELS)
"""Named cores, those of several streams too."""
PREFERRED = ("fused", "wide", "tile16")
"""Named cores, the fastest first. Without ``--core`` a command takes the first that the model can have."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What the options of a command say of the design; None where they say nothing."""

    core: str | None = None
    weights: str | None = None
    """File of a checkpoint."""
    format: str | None = None
    """Name of a number format, or ``auto``."""
    design: str | None = None
    """File that ``Design.save`` wrote, which says all the rest."""
    clock_hz: int | None = None
    scrub: bool = False

    def __post_init__(self) -> None:
        others = {"core": self.core, "weights": self.weights, "format": self.format, "clock": self.clock_hz}
        given = [f"--{name}" for name, value in others.items() if value is not None]
        given += ["--scrub"] if self.scrub else []
        if self.design is not None and given:
            raise ValueError(f"--design must stand without {given[0]}: the file says what the design is")

    def checkpoint(self) -> Checkpoint:
        """Return the chosen checkpoint; OSError or ValueError, naming the file, if it cannot be used."""
        return load(weights_path(self.weights))

    def resolve(self, default_core: str | None = None, chip: Chip = CHIP) -> Design:
        """Return the design that is chosen; ``default_core``, or else the fastest that the model can have on ``chip``.

        Says on standard error what clips, where that costs accuracy. Raises OSError or ValueError, naming the file, if
        a file cannot be used; ValueError, in one line and before anything is built, if the model cannot have the core.
        """
        if self.design is not None:
            return Design.load(Path(self.design))
        checkpoint = self.checkpoint()
        config = self._bound(checkpoint, default_core, chip)
        return make_design(config, checkpoint, clock_hz=CLOCK_HZ if self.clock_hz is None else self.clock_hz)

    def shape(self, default_core: str | None = None) -> CoreConfig:
        """Return the core of the design that is chosen, without making the design. Says and raises as `resolve`."""
        if self.design is not None:
            return Design.load(Path(self.design)).core
        return self._bound(self.checkpoint(), default_core, CHIP)

    def _bound(self, checkpoint: Checkpoint, default_core: str | None, chip: Chip) -> CoreConfig:
        core = self.core or default_core
        if core is None:
            config = fastest_core(checkpoint, self.format, chip)
        else:
            config = bound_core(core, checkpoint, self.format, chip)
        return replace(config, scrub=self.scrub)


def bound_core(name: str, checkpoint: Checkpoint, format: str | None = None, chip: Chip = CHIP) -> CoreConfig:
    """Return a named core bound to a checkpoint's model and a format; by default the smallest that holds the model.

    Says on standard error what clips, where that costs accuracy. Raises ValueError if the model cannot have the core.
    """
    # The model first, and then what it is measured for.
    config = core_config(name, checkpoint.config, chip=chip)
    chosen = choose_word(config.arithmetic_name, checkpoint, format)
    if chosen.warning is not None:
        click.echo(f"warning: {name}: {chosen.warning}", err=True)
    return core_config(name, checkpoint.config, chosen.word, chip)


def fastest_core(checkpoint: Checkpoint, format: str | None = None, chip: Chip = CHIP) -> CoreConfig:
    """Return the fastest named core that a checkpoint's model can have; ValueError if it can have none."""
    possible, reasons = suitable_cores(checkpoint.config, chip=chip)
    for name in PREFERRED if possible else PREFERRED[:1]:
        try:
            return bound_core(name, checkpoint, format, chip)
        except ValueError as error:
            if not possible:
                raise
            reasons[name] = reasons.get(name, str(error))
    why = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
    raise ValueError(f"model must be one that a named core can have in {format}: {why}")


def several_designs(cores: Sequence[str], choice: Choice, default: Sequence[str] = tuple(CORES)) -> list[Design]:
    """Return the designs of several named cores; of those of ``default`` that the model can have where none is named.

    Says on standard error which are left out, and why. Raises as `Choice.resolve`.
    """
    if choice.design is not None:
        if cores:
            raise ValueError("--design must stand without --core: the file says what the design is")
        return [choice.resolve()]
    checkpoint = choice.checkpoint()
    # Each is checked before the first is made, which takes a second.
    configs = []
    for name in dict.fromkeys(cores or default):
        try:
            configs.append(bound_core(name, checkpoint, choice.format))
        except ValueError as error:
            if cores:
                raise
            reason = suitable_cores(checkpoint.config)[1].get(name, str(error))
            click.echo(f"note: {name} is left out: {reason}", err=True)
    return [make_design(config, checkpoint) for config in configs]


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


def clock_option(command: C) -> C:
    """Add ``--clock MHZ``, the clock of the core."""
    text = f"of the core (default: {CLOCK_HZ / 1e6:g})"
    return click.option("--clock", "clock_hz", type=Megahertz(), metavar="MHZ", help=text)(command)


def scrub_option(command: C) -> C:
    """Add ``--scrub``, for `Choice`."""
    text = "read the ROMs over and over while the core is idle, and tell in the registers of one that has changed"
    return click.option("--scrub", is_flag=True, help=text)(command)


def design_option(command: C) -> C:
    """Add ``--weights``, ``--format`` and ``--design``: which design, but for the core."""
    text = "design.json of a folder, in place of core, weights and format"
    command = click.option("--design", metavar="FILE", help=text)(command)
    return weights_option(format_option(command))


def design_options(
    core_help: str = f"default: {PREFERRED[0]}, or the fastest that the model can have",
    *,
    cores: Sequence[str] = tuple(CORES),
) -> Option:
    """Add ``--core``, one of ``cores``, ``--weights``, ``--format`` and ``--design``, for `Choice`."""

    def add(command: C) -> C:
        text = f"{', '.join(cores)} ({core_help})"
        return click.option("--core", type=OneOf(list(cores)), metavar="NAME", help=text)(design_option(command))

    return add


def cores_option(command: C) -> C:
    """Add ``--core NAME``, which may be repeated, for `several_designs`: cores of one stream."""
    return _cores_option(tuple(CORES))(command)


def every_core_option(command: C) -> C:
    """Add ``--core NAME``, which may be repeated, for `several_designs`: also cores of several streams."""
    return _cores_option(EVERY_CORE)(command)


def _cores_option(cores: Sequence[str]) -> Option:
    text = f"{', '.join(cores)}; may be repeated (default: all that the model can have)"
    return click.option("--core", "cores", type=OneOf(list(cores)), multiple=True, metavar="NAME", help=text)


def format_option(command: C) -> C:
    """Add ``--format NAME``: the number format of weights and activations, for `Choice`."""
    names = [str(word) for word in FORMATS]
    text = f"of the words: {', '.join(names)}, or {AUTO}, the smallest that holds the model (default: {AUTO})"
    return click.option("--format", type=OneOf([*names, AUTO]), metavar="NAME", help=text)(command)
