"""Bitwuzla as a program: SMT-LIB on standard input, as Yosys's `smtbmc` writes it.

The wheel of PyPI brings the library alone. `install` puts a program ``bitwuzla`` into a folder, for the PATH.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["commands", "install", "main"]


def commands(lines: Iterable[str]) -> Iterator[str]:
    """Yield the commands of SMT-LIB in lines as `smtbmc` writes them: quoted symbols have no brackets of their own."""
    depth, text = 0, ""
    for line in lines:
        depth += line.count("(") - line.count(")")
        text += line
        if depth == 0 and text.strip():
            yield text
            text = ""


def main(arguments: list[str]) -> None:
    """Answer commands until there are no more."""
    if "--help" in arguments:
        # What smtbmc looks for, to know how to call it.
        print("--lang")
        return
    from bitwuzla import Option, Options, Parser, TermManager

    options = Options()
    options.set(Option.PRODUCE_MODELS, True)
    parser = Parser(TermManager(), options)
    for command in commands(sys.stdin):
        if command.strip() == "(exit)":
            return
        parser.parse(command, False, False)
        sys.stdout.flush()


def install(folder: Path) -> None:
    """Put the program into a folder."""
    program = folder / "bitwuzla"
    words = shlex.join([sys.executable, "-P", str(Path(__file__).resolve())])
    program.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
    program.chmod(0o755)


if __name__ == "__main__":
    main(sys.argv[1:])
