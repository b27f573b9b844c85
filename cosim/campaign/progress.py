"""How far a campaign is: a bar on a terminal, elsewhere a line from time to time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cosim.campaign.campaign import Done
from talos_ref.terminal import error_console

__all__ = ["showing"]

_SECONDS = 60.0
"""Between two lines."""


@contextmanager
def showing(total: int) -> Iterator[Callable[[Done], None]]:
    """Yield what takes each shard as it is done, and shows how far all are."""
    err = error_console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    count = steps = failed = 0
    said = time.monotonic()
    with Progress(*columns, console=err, disable=not err.is_terminal) as bars:
        bar = bars.add_task("shards", total=total)

        def report(done: Done) -> None:
            nonlocal count, steps, failed, said
            count, steps, failed = count + 1, steps + done.outcome.steps, failed + done.failed
            text = f"{steps:,} steps, {failed} failed"
            bars.update(bar, completed=count, description=text)
            if done.failed and err.is_terminal:
                bars.console.print(f"{done.planned.shard.describe()}: {done.outcome.said}", markup=False)
            if not err.is_terminal and time.monotonic() - said > _SECONDS:
                said = time.monotonic()
                err.print(f"{count} of {total} shards, {text}", markup=False)

        yield report
