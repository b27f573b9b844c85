"""What several tasks that take minutes do at the moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from talos_ref.terminal import error_console

__all__ = ["Say", "task_lines"]

Say = Callable[[str, str], None]
"""Takes the name of a task and what it does from now on: a phase, and behind a comma how far it is."""


@contextmanager
def task_lines() -> Iterator[Say]:
    """Yield what shows tasks on standard error: a line each on a terminal, elsewhere one for each phase that begins."""
    err = error_console()
    words = (TextColumn("{task.description}"), TextColumn("{task.fields[phase]}"))
    columns = (SpinnerColumn(), *words, TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        tasks: dict[str, Any] = {}
        said: set[tuple[str, str]] = set()

        def say(task: str, phase: str) -> None:
            if task not in tasks:
                tasks[task] = bar.add_task(task, total=None, phase=phase)
            bar.update(tasks[task], phase=phase)
            phase = phase.partition(",")[0]
            if not err.is_terminal and (task, phase) not in said:
                said.add((task, phase))
                err.print(f"{task}: {phase}", markup=False)

        yield say
