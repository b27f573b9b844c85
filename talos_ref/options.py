"""Options that several commands share: one name, one meaning and one message each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import click

from talos_ref.golden.format import FORMATS
from talos_ref.golden.xorshift32 import check_seed
from talos_ref.model.config import DIMENSIONS
from talos_ref.model.train import MAX_STEPS, STEPS

__all__ = [
    "Integer",
    "Number",
    "OneOf",
    "Option",
    "Seed",
    "Tokens",
    "arithmetic_option",
    "count_option",
    "dimension_options",
    "folder_option",
    "format_option",
    "greedy_option",
    "json_option",
    "letter_limit_option",
    "names_option",
    "out_option",
    "seed_option",
    "steps_option",
    "temperature_option",
    "tokens_option",
    "truncate_option",
    "weights_option",
    "word_limit_option",
]

C = TypeVar("C", bound=Callable[..., Any] | click.Command)


class Option(Protocol):
    """A decorator that adds an option to a command."""

    def __call__(self, command: C, /) -> C:
        """Return the command with the option."""


class Integer(click.ParamType[int]):
    """An integer, decimal or ``0x…``, within bounds where they are given."""

    name = "integer"

    def __init__(self, low: int | None = None, high: int | None = None) -> None:
        self.low, self.high = low, high

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, str):
            try:
                value = int(value, 16 if value.lower().startswith("0x") else 10)
            except ValueError:
                self.fail(f"must be an integer, not {value[:40]!r}", param, ctx)
        if (self.low is not None and value < self.low) or (self.high is not None and value > self.high):
            bounds = f"{self.low} or more" if self.high is None else f"{self.low} to {self.high}"
            self.fail(f"must be {bounds}, not {value}", param, ctx)
        return int(value)


class Number(click.ParamType[float]):
    """A finite number."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            number = float(value)
        except ValueError:
            self.fail(f"must be a number, not {value[:40]!r}", param, ctx)
        if not math.isfinite(number):
            self.fail(f"must be a finite number, not {value[:40]!r}", param, ctx)
        return number


class Seed(Integer):
    """A state of xorshift32: 1 to 2^32 − 1."""

    name = "seed"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        seed = super().convert(value, param, ctx)
        try:
            return check_seed(seed)
        except ValueError as error:
            self.fail(str(error).removeprefix("seed "), param, ctx)


class OneOf(click.ParamType[str]):
    """One word of a closed list."""

    name = "choice"

    def __init__(self, choices: Sequence[str]) -> None:
        self.choices = tuple(choices)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in self.choices:
            others, last = ", ".join(self.choices[:-1]), self.choices[-1]
            self.fail(f"must be {f'{others} or ' if others else ''}{last}, not {value[:40]!r}", param, ctx)
        return str(value)


class Tokens(click.ParamType[list[int]]):
    """Token numbers with commas between them."""

    name = "tokens"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        if isinstance(value, list):
            return value
        return [Integer().convert(token, param, ctx) for token in value.split(",")]


def weights_option(command: C) -> C:
    """Add ``--weights FILE``, for `checkpoint.weights_path`."""
    text = "checkpoint (default: $TALOS_WEIGHTS, or the committed one)"
    return click.option("--weights", metavar="FILE", help=text)(command)


def names_option(command: C) -> C:
    """Add ``--names FILE``, a word list, for `words.load_names`."""
    text = "words, one a line (default: $TALOS_NAMES, or the published names)"
    return click.option("--names", metavar="FILE", help=text)(command)


def truncate_option(command: C) -> C:
    """Add ``--truncate``, for `words.read_words`."""
    return click.option("--truncate", is_flag=True, help="cut words that are too long for the block")(command)


def word_limit_option(default: int = 500) -> Option:
    """Add ``--limit N``: words at most."""
    text = f"words at most (default: {default})"
    return click.option("--limit", type=Integer(1), default=default, metavar="N", help=text)


def letter_limit_option(command: C) -> C:
    """Add ``--limit N``: letters at most, for `generate.check_limit`."""
    text = "letters at most (default: what fits the block)"
    return click.option("--limit", type=Integer(), metavar="N", help=text)(command)


def count_option(default: int, most: int = 10_000_000) -> Option:
    """Add ``--count N``: how many names to make."""
    text = f"names to make, of seeds S on (default: {default})"
    return click.option("--count", type=Integer(1, most), default=default, metavar="N", help=text)


def seed_option(command: C) -> C:
    """Add ``--seed S``: the state that the first name starts from."""
    text = "state of the first name, 1 to 2^32 - 1 (default: 1)"
    return click.option("--seed", type=Seed(), default=1, metavar="S", help=text)(command)


def steps_option(command: C) -> C:
    """Add ``--steps N``, of training."""
    text = f"steps of training (default: {STEPS})"
    return click.option("--steps", type=Integer(1, MAX_STEPS), default=STEPS, metavar="N", help=text)(command)


def temperature_option(command: C) -> C:
    """Add ``--temperature T``, for `generate.check_temperature` or `generate.quantise_temperature`."""
    text = (
        "0.0625 to 16 in steps of 1/256; below 256 for talos-v2, any for float (default: 0.5); "
        "0 is greedy except in talos-v2, whose lowest bucket it is"
    )
    return click.option("--temperature", type=Number(), default=0.5, metavar="T", help=text)(command)


def greedy_option(command: C) -> C:
    """Add ``--greedy``."""
    text = "take the argmax; the random state stays as it is"
    return click.option("--greedy", is_flag=True, help=text)(command)


def tokens_option(command: C) -> C:
    """Add ``--tokens T,T,…``: inputs in place of the drawn tokens, for `generate.check_tokens`."""
    return click.option("--tokens", type=Tokens(), metavar="T,T,…", help="inputs in place of the drawn tokens")(command)


def arithmetic_option(choices: Sequence[str], default: str = "precise") -> Option:
    """Add ``--arithmetic NAME``, one of ``choices``."""
    text = f"what computes: {', '.join(choices)} (default: {default})"
    kind = OneOf(choices)
    return click.option("--arithmetic", "arithmetic_name", type=kind, default=default, metavar="NAME", help=text)


def format_option(default: str) -> Option:
    """Add ``--format NAME``, for `word_format.pick_format`."""
    choices = [*map(str, FORMATS), "auto"]
    text = f"of the words of an integer arithmetic: {', '.join(choices)}, the smallest that loses nothing"
    kind = OneOf(choices)
    full = f"{text} (default: {default})"
    return click.option("--format", "word_format", type=kind, default=default, metavar="NAME", help=full)


def json_option(what: str) -> Option:
    """Add ``--json``; ``what`` is said to become JSON."""
    return click.option("--json", "as_json", is_flag=True, help=f"{what} as JSON")


def out_option(command: C) -> C:
    """Add ``--out FILE`` in place of standard output, for `command_line.emit`."""
    return click.option("--out", metavar="FILE", help="write there instead of to standard output")(command)


def folder_option(study: str) -> Option:
    """Add ``--folder FOLDER``, where a study's results go besides."""
    text = f"also write {study}.json and what goes with it there"
    return click.option("--folder", metavar="FOLDER", help=text)


def dimension_options(command: C) -> C:
    """Add ``--block-size`` and the other dimensions of a model, and its ``--alphabet``."""
    for name, (low, high) in reversed(DIMENSIONS.items()):
        option = f"--{name.replace('_', '-')}"
        command = click.option(option, type=Integer(low, high), metavar="N", help=f"{low} to {high}")(command)
    text = "letters by token number, in this order"
    return click.option("--alphabet", metavar="LETTERS", help=text)(command)
