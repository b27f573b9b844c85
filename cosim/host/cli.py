"""The command line ``python -m cosim.host generate | step | counters | bench | info | tcl``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from cosim.engine.simulators import SimulatorError
from cosim.host import commands
from cosim.host.check import Mismatch
from cosim.host.errors import HostError
from cosim.host.session import DEFAULT_CORE, TRANSPORTS, Session, open_session
from cosim.host.simulation import board_model, simulated_board
from cosim.host.tcl import check_script, run_tcl
from cosim.host.transport import Access
from hdl.core.config import CORES
from hdl.design import make_design
from talos_ref.files import check_writable, write_bytes
from talos_ref.golden.xorshift32 import check_seed
from talos_ref.model.checkpoint import default_checkpoint

__all__ = ["main", "parser"]


class _Parser(argparse.ArgumentParser):
    """Reports what is wrong with an option in one line, with exit status 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}\n")


def _integer(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be an integer, not {text[:40]!r}") from None


def _seed(text: str) -> int:
    value = _integer(text)
    try:
        return check_seed(value)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _count(text: str) -> int:
    value = _integer(text)
    if not 1 <= value <= commands.MAX_NAMES:
        raise argparse.ArgumentTypeError(f"must be 1 to {commands.MAX_NAMES}, not {value}")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, not {text[:40]!r}") from None


def _seconds(text: str) -> float:
    value = _number(text)
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError(f"must be more than 0 and at most 3600 seconds, not {text[:40]}")
    return value


def _tokens(text: str) -> list[int]:
    return [_integer(token) for token in text.split(",")]


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    root = _Parser(prog="cosim.host", description="The host of a board, real or simulated.", allow_abbrev=False)
    add = root.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, run: Callable[..., None] | None, text: str) -> argparse.ArgumentParser:
        new = add.add_parser(name, help=text, description=text, allow_abbrev=False)
        new.set_defaults(run=run, command=name, seed=1, temperature=0.5, limit=None, check=False, replay=False)
        new.add_argument("--core", choices=list(CORES), metavar="NAME",
                         help=f"of {', '.join(CORES)}: what is simulated (default: {DEFAULT_CORE}), "
                         "or must be on the board (default: any)")  # fmt: skip
        if run is not None:
            new.add_argument("--transport", choices=TRANSPORTS, default=TRANSPORTS[0],
                             help="the simulated board (default), or a real one")  # fmt: skip
            new.add_argument("--timeout", type=_seconds, default=90.0, metavar="SECONDS",
                             help="for one access, name or step (default: 90)")  # fmt: skip
            new.add_argument("--json", action="store_true", help="results as JSON, an object a line")
            new.add_argument("--save", metavar="FILE", help="write everything to a JSON file as well")
            new.add_argument("--accesses", metavar="FILE", help="write every register access to a file, one a line")
        return new

    def drawing(new: argparse.ArgumentParser) -> None:
        new.add_argument("--seed", type=_seed, default=1, metavar="S", help="of the first name (default: 1)")
        new.add_argument("--temperature", type=_number, default=0.5, metavar="T", help="default: 0.5; 0 is greedy "
                         "except for talos-v2")  # fmt: skip
        new.add_argument("--limit", type=_integer, metavar="N", help="letters at most (default: what fits)")

    def checking(new: argparse.ArgumentParser, *, replay: bool = True) -> None:
        new.add_argument("--check", action="store_true", help="compare everything with the golden model")
        if replay:
            new.add_argument("--replay", action="store_true",
                             help="also repeat every name in single steps, and compare all logits of each")  # fmt: skip

    generate = command("generate", commands.generate, "Generate names, shown letter by letter.")
    drawing(generate)
    generate.add_argument("--count", type=_count, default=10, metavar="N", help="names, of seeds S on (default: 10)")
    checking(generate)

    step = command("step", commands.step, "Run single steps and show their logits.")
    inputs = step.add_mutually_exclusive_group()
    inputs.add_argument("--tokens", type=_tokens, metavar="T,T,…", help="inputs (default: BOS alone)")
    inputs.add_argument("--text", metavar="LETTERS", help="inputs: BOS, and these letters")
    checking(step, replay=False)

    counters = command("counters", commands.counters, "Run a name, and show cycles, rates and stages.")
    drawing(counters)
    counters.add_argument("--last", action="store_true", help="of what ran last, without running anything")
    checking(counters)

    bench = command("bench", commands.bench, "Run many names, and show how fast the machine and the host are.")
    bench.add_argument("names", type=_count, metavar="N", help="names")
    drawing(bench)
    checking(bench)

    command("info", commands.info, "Show what the board says of itself.")

    tcl = command("tcl", None, "Run a script for System Console on the simulated board, with tclsh.")
    tcl.add_argument("script", metavar="SCRIPT", help="Tcl, as for system-console --script")
    tcl.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGUMENT", help="of the script")
    return root


def _notice(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _run_board(options: argparse.Namespace) -> None:
    """Run a command on a board, and save what was asked for whether all was equal or not."""
    for path in (options.save, options.accesses):
        if path is not None:
            check_writable(path)
    accesses: list[Access] = []
    record = accesses.append if options.accesses else None
    result: dict[str, Any] = {"command": options.command, "transport": options.transport, "checked": 0}
    result["mismatch"] = None
    try:
        with open_session(
            options.transport, options.core, seconds=options.timeout, notice=_notice, record=record
        ) as session:
            result["board"] = _board_json(session)
            if session.warning is not None:
                _notice(f"warning: {session.warning}")
            options.run(session, options, result)
    except Mismatch as mismatch:
        result["mismatch"] = mismatch.difference.to_json()
        _save(options, result)
        raise
    finally:
        if options.accesses:
            write_bytes(options.accesses, "".join(f"{access}\n" for access in accesses).encode())
    _save(options, result)


def _board_json(session: Session) -> dict[str, Any]:
    return {**asdict(session.identity), "build_matches": session.warning is None}


def _save(options: argparse.Namespace, result: dict[str, Any]) -> None:
    if options.save is not None:
        write_bytes(options.save, json.dumps(result, indent=1).encode() + b"\n")


def _run_tcl(options: argparse.Namespace) -> int:
    check_script(Path(options.script))
    design = make_design(options.core or DEFAULT_CORE, default_checkpoint())
    with simulated_board(board_model(design, notice=_notice)) as board:
        return run_tcl(board, Path(options.script), options.arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0, 1 for a difference or a failure, 2 for bad input, 130 for Ctrl-C."""
    try:
        options = parser().parse_args(arguments)
        if options.run is None:
            return _run_tcl(options)
        _run_board(options)
    except BrokenPipeError:
        # Whoever read the output has had enough; Python's own flush at exit must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        return 130
    except (HostError, SimulatorError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except (TypeError, ValueError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0
