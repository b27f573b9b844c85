"""Names as they come: letter by letter, with a live rate where there is a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

__all__ = ["Screen", "screen"]


class Screen:
    """Takes letters and names.

    On a terminal a name grows beside the bar, and goes above it when it is whole. Elsewhere each letter is written at
    once; with ``as_json`` an object a name when it is whole. A bar on standard error stands for the rest.
    """

    def __init__(
        self, progress: Progress | None, task: TaskID | None, *, live: bool, as_json: bool, show: bool
    ) -> None:
        self._progress, self._task = progress, task
        self._live, self._as_json, self._show = live, as_json, show
        self._name = ""

    def letter(self, text: str) -> None:
        """Show a letter of the name that is being made."""
        self._name += text
        if self._live:
            self._update(name=self._name)
        elif self._show and not self._as_json:
            sys.stdout.write(text)
            sys.stdout.flush()

    def name(self, fields: dict[str, Any], rate: str) -> None:
        """Show that the name is whole; ``fields`` are its JSON."""
        if self._show and self._as_json:
            print(json.dumps(fields), flush=True)
        elif self._show:
            self._end_name()
        self._name = ""
        self._update(advance=1, name="", rate=rate)

    def reached(self, names: int) -> None:
        """Show how many names are whole, of those that are not shown."""
        self._update(completed=names)

    def end_line(self) -> None:
        """End the line of a name that will not become whole, so that an error begins on a line of its own."""
        if self._name and self._show and not self._as_json:
            # Whoever read the letters may be gone: then nobody sees where the line ends.
            with suppress(OSError):
                self._end_name()
        self._name = ""

    def _end_name(self) -> None:
        if self._live and self._progress is not None:
            self._progress.console.print(self._name, markup=False)
        else:
            print(flush=True)

    def _update(self, **values: Any) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, **values)


@contextmanager
def screen(total: int, *, as_json: bool, show: bool = True) -> Iterator[Screen]:
    """Yield a screen for ``total`` names; without ``show`` only the bar is seen.

    If the block ends in an error, a name that has begun ends with its line.
    """
    with _bar(total, as_json=as_json, show=show) as shown:
        try:
            yield shown
        except BaseException:
            shown.end_line()
            raise


@contextmanager
def _bar(total: int, *, as_json: bool, show: bool) -> Iterator[Screen]:
    terminal = sys.stdout.isatty()
    live = terminal and not as_json
    console = Console(stderr=not live, highlight=False)
    # A bar and objects on the same terminal would run into each other.
    if not console.is_terminal or (terminal and as_json):
        yield Screen(None, None, live=False, as_json=as_json, show=show)
        return
    columns = (
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[rate]}"),
        TextColumn("[bold]{task.fields[name]}"),
    )
    # Redirected, what goes to standard output would join the bar on standard error.
    with Progress(*columns, console=console, transient=True, redirect_stdout=live, redirect_stderr=live) as progress:
        task = progress.add_task("names", total=total, rate="", name="")
        yield Screen(progress, task, live=live, as_json=as_json, show=show)
