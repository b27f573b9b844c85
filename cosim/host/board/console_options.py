"""The command line of Intel's System Console, as far as it makes sense for a simulated board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ConsoleOptions", "parse_options"]

_FLAGS = ("cli", "debug", "disable_readline", "disable_timeout")
"""There is no editing of lines and no time limit that could be disabled, and nothing more to be told."""
_FILES = ("jdi", "project_dir", "rc_script", "script")


@dataclass(frozen=True, kw_only=True)
class ConsoleOptions:
    """What a session does."""

    script: Path | None = None
    """Is run in place of the commands of standard input."""
    rc_script: Path | None = None
    """Is run before the commands of standard input."""
    arguments: tuple[str, ...] = ()
    """Of the script, as ``argv``."""


def parse_options(words: Sequence[str]) -> ConsoleOptions:
    """Return what the words of a command line say.

    ``-cli``, ``-disable_readline``, ``-disable_timeout``, ``-debug``, ``-script=FILE``, ``-rc_script=FILE``,
    ``-project_dir=FOLDER`` and ``-jdi=FILE``; each with one hyphen or two, a value behind ``=`` or as the next word.
    What follows ``--`` or the first word that is no option goes to the script. Source of the options: Intel's "Debug
    Tools" user guide (683552), section 2.7, and published scripts.

    Raises
    ------
    ValueError
        If an option is unknown, has no value, or ``-cli`` is missing: there is no window.
    FileNotFoundError
        If a file or folder that an option names is not there.
    """
    given: dict[str, Path] = {}
    flags: set[str] = set()
    left = list(words)
    while left and left[0].startswith("-"):
        word = left.pop(0)
        if word == "--":
            break
        name, equals, value = word.lstrip("-").partition("=")
        name = name.replace("-", "_")
        if name in _FLAGS and not equals:
            flags.add(name)
        elif name in _FILES:
            if not equals and not left:
                raise ValueError(f"{word} must have a value, as in {word}=FILE")
            given[name] = _existing(name, value if equals else left.pop(0))
        else:
            known = ", ".join(f"-{option}" for option in (*_FLAGS, *_FILES))
            raise ValueError(f"option must be one of {known}, not {word!r}")
    if "cli" not in flags:
        raise ValueError("-cli must be given: the simulated board's System Console has no window")
    return ConsoleOptions(script=given.get("script"), rc_script=given.get("rc_script"), arguments=tuple(left))


def _existing(name: str, value: str) -> Path:
    path = Path(value)
    kind = "folder" if name == "project_dir" else "file"
    if not path.exists() or path.is_dir() != (kind == "folder"):
        raise FileNotFoundError(f"-{name} must name a {kind}, not {value!r}")
    return path
