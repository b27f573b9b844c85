"""The command line ``python -m cosim.host``: names, batches, steps and counters of a board, real or simulated.

`commands` is a click group, which another command line can mount; `cosim.host.commands` and `cosim.host.batch_command`
do the work.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import click

from cosim.host import commands as work
from cosim.host.batch_command import DEFAULT_NAMES, MAX_BATCH, BatchOptions
from cosim.host.batch_command import batch as run_batches
from cosim.host.check import Mismatch
from cosim.host.options import ANY, BATCHES, DESIGN, ONE_STREAM, board_options, drawing_options
from cosim.host.session import Session, open_session
from cosim.host.transport import Access
from hdl.boards.parts.serial_protocol import BAUD
from hdl.options import Choice
from talos_ref.command_line import SETTINGS, run
from talos_ref.files import check_writable, write_bytes
from talos_ref.options import (
    Integer,
    count_option,
    letter_limit_option,
    seed_option,
    temperature_option,
    tokens_option,
)

__all__ = ["commands", "main"]

Work = Callable[[Session, work.Result, bool], None]

_SLICE_NS = 50_000
"""How long a simulated board runs at once: some milliseconds, for which a host waits."""


@click.group(context_settings=SETTINGS, no_args_is_help=False)
def commands() -> None:
    """The host of a board, real or simulated."""


@commands.command()
@drawing_options
@count_option(10, work.MAX_NAMES)
@board_options(ONE_STREAM)
def generate(seed: int, temperature: float, limit: int | None, check: bool, replay: bool, count: int,
             **options: Any) -> None:  # fmt: skip
    """Generate names, shown letter by letter."""
    drawing = work.Drawing(seed=seed, temperature=temperature, limit=limit, check=check, replay=replay)
    _run("generate", options, partial(work.generate, drawing=drawing, count=count))


@commands.command()
@tokens_option
@click.option("--text", metavar="LETTERS", help="inputs: BOS, and these letters")
@click.option("--check", is_flag=True, help="compare everything with the golden model")
@board_options(ONE_STREAM)
def step(tokens: list[int] | None, text: str | None, check: bool, **options: Any) -> None:
    """Run single steps (by default on BOS alone) and show their logits."""
    if tokens is not None and text is not None:
        raise ValueError("--text must stand without --tokens")
    _run("step", options, partial(work.step, tokens=tokens, text=text, check=check))


@commands.command()
@drawing_options
@click.option("--last", is_flag=True, help="of what ran last, without running anything")
@board_options(ONE_STREAM)
def counters(seed: int, temperature: float, limit: int | None, check: bool, replay: bool, last: bool,
             **options: Any) -> None:  # fmt: skip
    """Run a name, and show cycles, rates and stages."""
    drawing = work.Drawing(seed=seed, temperature=temperature, limit=limit, check=check, replay=replay)
    _run("counters", options, partial(work.counters, drawing=None if last else drawing))


@commands.command()
@click.argument("names", type=Integer(1, work.MAX_NAMES), metavar="N")
@drawing_options
@board_options(ONE_STREAM)
def bench(names: int, seed: int, temperature: float, limit: int | None, check: bool, replay: bool,
          **options: Any) -> None:  # fmt: skip
    """Run N names, and show how fast the machine and the host are."""
    drawing = work.Drawing(seed=seed, temperature=temperature, limit=limit, check=check, replay=replay)
    _run("bench", options, partial(work.bench, drawing=drawing, count=names))


@commands.command()
@board_options(ANY)
def info(**options: Any) -> None:
    """Show what the board says of itself."""
    _run("info", options, work.info, batches=None)


@commands.command()
@click.option("--narrow", is_flag=True, help="if the digest differs, run parts of the batch until the step is found")
@click.option("--no-check", is_flag=True, help="do not compare with the C library")
@letter_limit_option
@temperature_option
@seed_option
@count_option(DEFAULT_NAMES, MAX_BATCH)
@board_options(BATCHES)
def batch(seed: int, count: int, temperature: float, limit: int | None, no_check: bool, narrow: bool,
          **options: Any) -> None:  # fmt: skip
    """Run N names in several streams, and compare the digest of all their steps with the C library's."""
    if no_check and narrow:
        raise ValueError("--narrow must stand without --no-check")
    given = {"seed": seed, "count": count, "temperature": temperature, "limit": limit, **options}
    named = ("seed", "count", "temperature", "limit", *DESIGN, "transport", "port", "baud")
    words = [str(word) for name in named if given[name] is not None for word in (f"--{name}", given[name])]
    again = shlex.join(["python", "-m", "cosim.host", "batch", *words, "--narrow"])
    asked = BatchOptions(
        seed=seed, count=count, temperature=temperature, limit=limit, check=not no_check, narrow=narrow, again=again
    )
    _run("batch", options, partial(run_batches, options=asked), batches=True)


@commands.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@ANY
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
@ANY
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
@ANY
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


def _run(command: str, options: dict[str, Any], work_with: Work, *, batches: bool | None = False) -> None:
    """Run a command on a board, and save what was asked for whether all was equal or not.

    ``batches`` as of a session.
    """
    choice = Choice(**{name: options[name] for name in DESIGN})
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
            notice=_notice, record=record, batches=batches,
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
