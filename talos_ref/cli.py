"""The command lines ``python -m talos_ref train | generate | trace | nll | quality | tables | import-npy``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from talos_ref import commands
from talos_ref.files import check_writable, write_bytes
from talos_ref.golden.arithmetic import ARITHMETICS

__all__ = ["main", "parser"]

FLOAT = "float"


class _Parser(argparse.ArgumentParser):
    """Reports what is wrong with an option in one line, with exit status 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}\n")


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be an integer, not {text[:40]!r}") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, not {text[:40]!r}") from None


def _tokens(text: str) -> list[int]:
    return [_integer(token) for token in text.split(",")]


def _add_model(command: argparse.ArgumentParser, names: Sequence[str]) -> None:
    command.add_argument("--arithmetic", choices=names, default="precise", help="what computes (default: precise)")
    command.add_argument("--weights", metavar="FILE", help="checkpoint (default: the committed one)")


def _add_drawing(command: argparse.ArgumentParser) -> None:
    command.add_argument("--seed", type=_integer, default=1, metavar="S", help="state, 1 to 2^32 - 1 (default: 1)")
    command.add_argument(
        "--temperature", type=_number, default=0.5, metavar="T",
        help="0.0625 to 16 in steps of 1/256 for precise, below 256 for talos-v2, any for float (default: 0.5); "
        "0 is greedy except in talos-v2, whose lowest bucket it is",
    )  # fmt: skip
    command.add_argument("--greedy", action="store_true", help="take the argmax; the random state stays as it is")
    command.add_argument("--limit", type=_integer, metavar="N", help="letters at most (default: what fits the block)")


def _add_output(command: argparse.ArgumentParser, what: str) -> None:
    command.add_argument("--json", action="store_true", help=f"{what} as JSON")
    command.add_argument("--out", metavar="FILE", help="write there instead of to standard output")


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    root = _Parser(prog="talos_ref", description="Golden model of a microGPT in fixed point.", allow_abbrev=False)
    add = root.add_subparsers(metavar="COMMAND", required=True)
    integer, every = sorted(ARITHMETICS), sorted([FLOAT, *ARITHMETICS])

    def command(name: str, run: Callable[[argparse.Namespace], Iterator[str]], text: str) -> argparse.ArgumentParser:
        new = add.add_parser(name, help=text, description=text, allow_abbrev=False)
        new.set_defaults(run=run, text_out=True)
        return new

    generate = command("generate", commands.generate, "Generate names, one a seed.")
    _add_model(generate, every)
    _add_drawing(generate)
    generate.add_argument("--count", type=_integer, default=10, metavar="N", help="names, of seeds S on (default: 10)")
    generate.add_argument("--rng", choices=["xorshift32", "python"], default="xorshift32",
                          help="python: random.Random(S).choices for all names, float only")  # fmt: skip
    _add_output(generate, "an object a name")

    trace = command("trace", commands.trace, "Show every step of one name.")
    _add_model(trace, every)
    _add_drawing(trace)
    trace.add_argument("--tokens", type=_tokens, metavar="T,T,…", help="inputs in place of the drawn tokens")
    _add_output(trace, "an object a step")

    nll = command("nll", commands.nll, "Measure how well a model predicts words, and how far it is from the float one.")
    _add_model(nll, every)
    nll.add_argument("--names", metavar="FILE", help="words (default: $TALOS_NAMES, or the published names)")
    nll.add_argument("--limit", type=_integer, default=500, metavar="N", help="words at most (default: 500)")
    _add_output(nll, "one object")

    quality = command("quality", commands.quality, "Measure every arithmetic and its sampler, for the README.")
    quality.add_argument("--weights", metavar="FILE", help="checkpoint (default: the committed one)")
    quality.add_argument("--names", metavar="FILE", help="words (default: $TALOS_NAMES, or the published names)")
    quality.add_argument("--limit", type=_integer, default=500, metavar="N", help="words at most (default: 500)")
    quality.add_argument("--temperature", type=_number, default=0.5, metavar="T", help="of the samplers (default: 0.5)")
    quality.add_argument("--count", type=_integer, default=2000, metavar="N", help="names sampled (default: 2000)")
    _add_output(quality, "an object an arithmetic")

    tables = command("tables", commands.tables, "List the tables and constants of an arithmetic.")
    _add_model(tables, integer)
    _add_output(tables, "one object")

    train = command("train", commands.train, "Train a checkpoint by the published recipe.")
    train.add_argument("--names", metavar="FILE", help="words (default: $TALOS_NAMES, or the published names)")
    train.add_argument("--out", metavar="FILE", required=True, help="checkpoint to write")
    train.add_argument("--steps", type=_integer, default=1000, metavar="N", help="default: 1000")
    train.add_argument("--seed", type=_integer, default=42, metavar="S", help="of random.Random (default: 42)")
    for name in commands.DIMENSIONS:
        train.add_argument(f"--{name.replace('_', '-')}", type=_integer, metavar="N", help="dimension of the model")
    train.set_defaults(text_out=False)

    published = command("import-npy", commands.import_npy, "Turn a published .npy of weights into a checkpoint.")
    published.add_argument("source", metavar="SOURCE", help=".npy that holds a dict of arrays")
    published.add_argument("--out", metavar="FILE", required=True, help="checkpoint to write")
    published.set_defaults(text_out=False)
    return root


@contextmanager
def _sink(out: str | None) -> Iterator[Callable[[str], None]]:
    """Yield a function that takes lines: to standard output at once, or to a file that appears when all is done."""
    if out is None:
        yield lambda line: print(line)
        sys.stdout.flush()
        return
    check_writable(out)
    lines: list[str] = []
    yield lines.append
    write_bytes(out, "".join(line + "\n" for line in lines).encode())


def _run(options: argparse.Namespace) -> None:
    with _sink(options.out if options.text_out else None) as write:
        for line in options.run(options):
            write(line)


def _message(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"cannot open {error.filename}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__


def _status(error: Exception) -> int:
    """Return 2 for what the user can put right in the command, 1 for what failed on the way."""
    wrong = (TypeError, ValueError, FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
    return 2 if isinstance(error, wrong) else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0, 2 for bad input, 1 for a failure; errors are one line each."""
    try:
        options: Any = parser().parse_args(arguments)
        _run(options)
    except BrokenPipeError:
        # Whoever read the output has had enough; Python's own flush at exit must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        return 130
    except (TypeError, ValueError, OSError, MemoryError) as error:
        print(f"error: {_message(error)}", file=sys.stderr)
        return _status(error)
    return 0
