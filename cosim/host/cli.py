"""The command line ``python -m cosim.host generate | step | counters | bench | info | tcl | system-console | board``.

`commands` is a click group, which another command line can mount; `cosim.host.commands` does the work.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from cosim.host import commands as work
from cosim.host.check import Mismatch
from cosim.host.session import Session, open_session
from cosim.host.transport import Access
from cosim.host.transports import TRANSPORTS
from hdl.boards.parts.serial_protocol import BAUD
from hdl.options import PREFERRED, Choice, design_options
from talos_ref.command_line import SETTINGS, run
from talos_ref.files import check_writable, write_bytes
from talos_ref.options import (
    Integer,
    Number,
    OneOf,
    count_option,
    json_option,
    letter_limit_option,
    seed_option,
    temperature_option,
    tokens_option,
)

__all__ = ["commands", "main"]

C = TypeVar("C", bound=Callable[..., Any] | click.Command)
Work = Callable[[Session, work.Result, bool], None]

_MOST_SECONDS = 3600
_SLICE_NS = 50_000
"""How long a simulated board runs at once: some milliseconds, for which a host waits."""


class _Seconds(Number):
    """A time limit."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds = super().convert(value, param, ctx)
        if not 0 < seconds <= _MOST_SECONDS:
            self.fail(f"must be more than 0 and at most {_MOST_SECONDS} seconds, not {value}", param, ctx)
        return seconds


def _design_options(command: C) -> C:
    text = f"default: what is on the board; simulated, {PREFERRED[0]}, or the fastest that the model can have"
    return design_options(text)(command)


def _board_options(command: C) -> C:
    """Add what every command with a board takes."""
    first, *others = TRANSPORTS
    for option in (
        click.option("--accesses", metavar="FILE", help="write every register access to a file, one a line"),
        click.option("--save", metavar="FILE", help="write everything to a JSON file as well"),
        json_option("an object a line"),
        click.option("--timeout", type=_Seconds(), default=90.0, metavar="SECONDS",
                     help="for one access, name or step (default: 90)"),
        _design_options,
        click.option("--baud", type=Integer(1), metavar="RATE",
                     help=f"of the serial transport, bits a second (default: {BAUD})"),
        click.option("--port", metavar="PORT",
                     help="of the serial transport, such as /dev/ttyUSB0 or COM3 (default: the only one on USB)"),
        click.option("--transport", type=OneOf(list(TRANSPORTS)), default=first, metavar="NAME",
                     help=f"{first} (default), or a real board: {', '.join(others)}"),
    ):  # fmt: skip
        command = option(command)
    return command


def _drawing_options(command: C) -> C:
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


@click.group(context_settings=SETTINGS, no_args_is_help=False)
def commands() -> None:
    """The host of a board, real or simulated."""


@commands.command()
@_drawing_options
@count_option(10, work.MAX_NAMES)
@_board_options
def generate(seed: int, temperature: float, limit: int | None, check: bool, replay: bool, count: int,
             **options: Any) -> None:  # fmt: skip
    """Generate names, shown letter by letter."""
    drawing = work.Drawing(seed=seed, temperature=temperature, limit=limit, check=check, replay=replay)
    _run("generate", options, partial(work.generate, drawing=drawing, count=count))


@commands.command()
@tokens_option
@click.option("--text", metavar="LETTERS", help="inputs: BOS, and these letters")
@click.option("--check", is_flag=True, help="compare everything with the golden model")
@_board_options
def step(tokens: list[int] | None, text: str | None, check: bool, **options: Any) -> None:
    """Run single steps (by default on BOS alone) and show their logits."""
    if tokens is not None and text is not None:
        raise ValueError("--text must stand without --tokens")
    _run("step", options, partial(work.step, tokens=tokens, text=text, check=check))


@commands.command()
@_drawing_options
@click.option("--last", is_flag=True, help="of what ran last, without running anything")
@_board_options
def counters(seed: int, temperature: float, limit: int | None, check: bool, replay: bool, last: bool,
             **options: Any) -> None:  # fmt: skip
    """Run a name, and show cycles, rates and stages."""
    drawing = work.Drawing(seed=seed, temperature=temperature, limit=limit, check=check, replay=replay)
    _run("counters", options, partial(work.counters, drawing=None if last else drawing))


@commands.command()
@click.argument("names", type=Integer(1, work.MAX_NAMES), metavar="N")
@_drawing_options
@_board_options
def bench(names: int, seed: int, temperature: float, limit: int | None, check: bool, replay: bool,
          **options: Any) -> None:  # fmt: skip
    """Run N names, and show how fast the machine and the host are."""
    drawing = work.Drawing(seed=seed, temperature=temperature, limit=limit, check=check, replay=replay)
    _run("bench", options, partial(work.bench, drawing=drawing, count=names))


@commands.command()
@_board_options
def info(**options: Any) -> None:
    """Show what the board says of itself."""
    _run("info", options, work.info)


@commands.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@_design_options
@click.argument("script", metavar="SCRIPT")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARGUMENT]...")
def tcl(script: str, arguments: tuple[str, ...], **options: Any) -> int:
    """Run a script for System Console on the simulated board, with tclsh."""
    # Late: this command is of the simulated board alone, which needs a simulator.
    from cosim.host.board.simulation import board_model, simulated_board
    from cosim.host.board.tcl import check_script, run_tcl

    check_script(Path(script))
    chosen = Choice(**options).resolve()
    with simulated_board(board_model(chosen, notice=_notice)) as board:
        return run_tcl(board, Path(script), arguments)


@commands.command(
    "system-console",
    # One letter would be found in -script as well.
    context_settings={
        "ignore_unknown_options": True, "allow_interspersed_args": False, "help_option_names": ["--help"]
    },
)  # fmt: skip
@_design_options
@click.option("--program", metavar="FILE", help="write a program that does this with the same design, and end")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[-cli] [OPTION]...")
def system_console(program: str | None, words: tuple[str, ...], **options: Any) -> int:
    """Be System Console on the simulated board: with -cli, commands on standard input; or -script=FILE.

    Takes System Console's own options. Those of this command come before them.
    """
    # Late, as for `tcl`.
    from cosim.host.board.console_options import parse_options
    from cosim.host.board.simulation import board_model, simulated_board
    from cosim.host.board.tcl import find_tclsh, run_session, write_program

    choice = Choice(**options)
    if program is not None:
        if words:
            raise ValueError(f"--program must stand without {words[0]}: the program takes System Console's options")
        choice.shape()
        write_program(Path(program), _design_words(options))
        _notice(f"{program} written")
        return 0
    session = parse_options(words)
    find_tclsh()
    with simulated_board(board_model(choice.resolve(), notice=_notice)) as board:
        return run_session(board, session)


def _design_words(options: dict[str, Any]) -> list[str]:
    """Return the options of a design as words of a command line, which are right in any folder."""
    files = ("weights", "design")
    given = {name: value for name, value in options.items() if value is not None}
    return [
        word
        for name, value in given.items()
        for word in (f"--{name}", os.path.abspath(value) if name in files else value)
    ]


@commands.command()
@_design_options
def board(**options: Any) -> None:
    """Run a simulated board whose serial line is a pseudo-terminal, and say which, until Ctrl-C.

    It is for a terminal program, which shows the demo's names, and for the other commands with --transport serial
    --port.
    """
    # Late, as in `tcl`.
    from cosim.host.board.simulation import LINE_BAUD, LINE_DEMO_CYCLES, board_model, simulated_board

    model = board_model(
        Choice(**options).resolve(), LINE_DEMO_CYCLES, notice=_notice, serial_baud=LINE_BAUD
    )
    with simulated_board(model, serial_baud=LINE_BAUD) as found:
        print(found.port(), flush=True)
        while True:
            found.run(_SLICE_NS)


def _notice(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _run(command: str, options: dict[str, Any], work_with: Work) -> None:
    """Run a command on a board, and save what was asked for whether all was equal or not."""
    choice = Choice(**{name: options[name] for name in ("core", "weights", "format", "design")})
    transport, save, accesses_file = options["transport"], options["save"], options["accesses"]
    port, baud = options["port"], options["baud"]
    for name, value in (("--port", port), ("--baud", baud)):
        if value is not None and transport != "serial":
            raise ValueError(f"{name} must stand with --transport serial, not {transport}")
    for path in (save, accesses_file):
        if path is not None:
            check_writable(path)
    accesses: list[Access] = []
    record = accesses.append if accesses_file else None
    result: work.Result = {"command": command, "transport": transport, "checked": 0, "mismatch": None}
    try:
        with open_session(
            transport, choice, seconds=options["timeout"], port=port, baud=BAUD if baud is None else baud,
            notice=_notice, record=record,
        ) as session:  # fmt: skip
            result["board"] = _board_json(session)
            if session.warning is not None:
                _notice(f"warning: {session.warning}")
            work_with(session, result, options["as_json"])
    except Mismatch as mismatch:
        result["mismatch"] = mismatch.difference.to_json()
        _save(save, result)
        raise
    finally:
        if accesses_file:
            write_bytes(accesses_file, "".join(f"{access}\n" for access in accesses).encode())
    _save(save, result)


def _board_json(session: Session) -> dict[str, Any]:
    return {**asdict(session.identity), "build_matches": session.warning is None}


def _save(path: str | None, result: work.Result) -> None:
    if path is not None:
        write_bytes(path, json.dumps(result, indent=1).encode() + b"\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0, 1 for a difference or a failure, 2 for bad input, 130 for Ctrl-C."""
    return run(commands, arguments, "python -m cosim.host", (RuntimeError,))
