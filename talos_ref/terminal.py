"""Standard output as every command line uses it: tables, and text in any alphabet."""

from __future__ import annotations

import os
import sys

from rich.console import Console

__all__ = ["any_text", "console", "error_console"]


def console(width: int = 118) -> Console:
    """Return standard output for tables; ``width`` characters wide where it is no terminal."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=width)


def error_console() -> Console:
    """Return standard error, for progress, notes and errors; long lines are left to the terminal."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def any_text() -> None:
    """Let standard output and standard error take any text.

    A file or a pipe gets UTF-8. A terminal keeps its encoding, and shows ``?`` for what that has not. Where standard
    output is closed, writing to it fails as on a full disk; what goes to a closed standard error is lost.
    """
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    for stream in (sys.stdout, sys.stderr):
        # What stands in for them, as under a test, may be no text file.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")
