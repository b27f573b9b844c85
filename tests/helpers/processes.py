"""What runs on this machine: the processes that a test started, through however many others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = ["alive", "children", "marked", "until"]


def _stat(process: int) -> list[str]:
    """Return state and parent of a process, and what follows them; OSError if there is none."""
    return Path(f"/proc/{process}/stat").read_text(errors="replace").rpartition(") ")[2].split()


def _all() -> Iterator[tuple[int, int]]:
    """Yield the number of each process that has not ended, and its parent's."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent, *_ = _stat(int(folder.name))
        except OSError:
            continue
        if state != "Z":
            yield int(folder.name), int(parent)


def alive(process: int) -> bool:
    """Return whether a process is there and has not ended."""
    try:
        return _stat(process)[0] != "Z"
    except OSError:
        return False


def children(process: int) -> list[int]:
    """Return the processes that a process started and that still run, and those that they started."""
    parents = dict(_all())
    found = [process]
    for one in found:
        found += [number for number, parent in parents.items() if parent == one]
    return found[1:]


def marked(mark: str) -> list[int]:
    """Return the processes that have ``mark`` in their environment, whoever is their parent now."""
    found = []
    for number, _ in _all():
        try:
            environment = Path(f"/proc/{number}/environ").read_bytes()
        except OSError:
            continue
        if mark.encode() in environment:
            found.append(number)
    return found


def until(condition: Callable[[], object], seconds: float) -> bool:
    """Return whether a condition comes true in time."""
    end = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.1)
    return bool(found)
