"""What every command line does alike: exit status, one line for an error, output that appears when all is done."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import click

from talos_ref.files import check_writable, write_bytes
from talos_ref.processes import heed_signals
from talos_ref.terminal import any_text

__all__ = ["SETTINGS", "emit", "run"]

SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 110, "terminal_width": 110}
"""``context_settings`` of a group of commands."""

_BAD_INPUT = (TypeError, ValueError, FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
"""What the user can put right in the command; every other failure happened on the way."""


@contextmanager
def _standard_output() -> Iterator[Callable[[str], None]]:
    try:
        yield print
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.filename is not None or error.errno is None:
            raise
        _drop_output()
        raise OSError(f"cannot write to standard output: {error.strerror}") from None


def emit(lines: Iterable[str], out: str | None = None) -> None:
    """Print ``lines`` as they come, or write them to the file ``out``, which appears when all are there.

    Raises OSError, before the first line is asked for, if ``out`` cannot be written.
    """
    if out is not None:
        check_writable(out)
        write_bytes(out, "".join(line + "\n" for line in lines).encode())
        return
    with _standard_output() as write:
        for line in lines:
            write(line)


def _parameter_message(error: click.BadParameter) -> str:
    """Return what is wrong with a parameter, as a sentence that begins with its name."""
    parameter = error.param
    if parameter is None:
        return error.format_message()
    name = parameter.human_readable_name if isinstance(parameter, click.Argument) else parameter.opts[0]
    if isinstance(error, click.MissingParameter):
        return f"{name} must be given"
    return f"{name} {error.message}" if error.message.startswith("must ") else error.format_message()


def _usage_message(error: click.ClickException) -> str:
    if isinstance(error, click.BadParameter):
        return _parameter_message(error)
    text = error.message.rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    text = text[:1].lower() + text[1:]
    return text if context is None else f"{text}; see {context.command_path} --help"


def _message(error: Exception) -> str:
    if isinstance(error, click.ClickException):
        return _usage_message(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"cannot open {error.filename}: {error.strerror}"
    if isinstance(error, OSError) and error.errno is not None:
        return f"cannot write {'to standard output' if _printing(error) else 'a file'}: {error.strerror}"
    if isinstance(error, MemoryError):
        return "not enough memory"
    return str(error) or type(error).__name__


def _printing(error: OSError) -> bool:
    """Return whether an error, which does not say itself what could not be written, came up while printing."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return str(frame.f_globals["__name__"]).split(".")[0] in ("click", "rich")


def _drop_output() -> None:
    """Let Python's own flush at exit not complain once more."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(message: str, lines: bool = False) -> None:
    print(f"error: {message if lines else ' '.join(message.split())}", file=sys.stderr)


def run(
    command: click.Command,
    arguments: Sequence[str] | None,
    program: str,
    failures: tuple[type[Exception], ...] = (),
) -> int:
    """Run a command line and return its exit status; an error is one line on standard error.

    The status is what the command returned, or 0; 2 for bad input; 1 for a failure; 130 after Ctrl-C. SIGTERM and
    SIGHUP end the process once its programs have ended and what it had begun to write is removed.

    Parameters
    ----------
    arguments
        Words after the program's name; None takes them from ``sys.argv``.
    program
        How the command is called, for the help.
    failures
        More exceptions that are failures and not faults of the program, as a simulator's; these may take several
        lines, the end of a log among them.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    any_text()
    try:
        # Not `Command.main`, which adds lines of its own to an error and to Ctrl-C.
        with heed_signals(), command.make_context(program, words) as context:
            status = command.invoke(context)
        return status if isinstance(status, int) else 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        _say(_message(error))
        return error.exit_code
    except BrokenPipeError:
        # Whoever read the output has had enough.
        _drop_output()
        return 1
    except KeyboardInterrupt:
        _say("interrupted")
        return 130
    except Exception as error:
        if not isinstance(error, (*_BAD_INPUT, OSError, MemoryError, RuntimeError, *failures)):
            raise
        failed = isinstance(error, failures)
        if isinstance(error, OSError) and _printing(error):
            _drop_output()
        _say(_message(error), lines=failed)
        return 2 if isinstance(error, _BAD_INPUT) and not failed else 1
