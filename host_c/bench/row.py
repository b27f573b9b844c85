"""One row of the comparison, how it is measured, and what it may be compared with."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

__all__ = ["TEMPERATURE", "Row", "Work", "ratio", "ratio_text", "run"]

TEMPERATURE = 0.5


@dataclass(kw_only=True)
class Row:
    """One line of the table. ``kind`` says what its figure is worth: measured, simulated, published or emulated."""

    name: str
    kind: str
    steps_per_second: list[float] = field(default_factory=list)
    """Every run of a measured row; one figure of the others."""
    threads: int = 1
    counts: str = "steps"
    """What the figure counts: steps, or letters of finished names alone."""

    @property
    def median(self) -> float:
        """Middle of the runs, steps per second."""
        return median(self.steps_per_second)

    @property
    def spread(self) -> float:
        """(largest - smallest) / median of the runs."""
        return (max(self.steps_per_second) - min(self.steps_per_second)) / self.median


def ratio(row: Row, base: Row) -> float:
    """Return how many times ``base`` a row is.

    Raises ValueError if one of them, and not the other, comes from an emulator, or they count different things.
    """
    if (row.kind == "emulated") != (base.kind == "emulated"):
        raise ValueError(f"rows must be both emulated or neither, not {row.name!r} and {base.name!r}")
    if row.counts != base.counts:
        raise ValueError(
            f"rows must count the same, not {row.counts} of {row.name!r} and {base.counts} of {base.name!r}"
        )
    return row.median / base.median


def ratio_text(row: Row, base: Row) -> str:
    """Return the ratio for a table; nothing where there is none."""
    return f"{ratio(row, base):,.2f}" if row.counts == base.counts else ""


Work = tuple[Row, Callable[[int], int], int]
"""A row, its work (names -> steps taken), and the names of one run."""


def run(work: Work) -> None:
    """Add one timed run to a row."""
    row, step, names = work
    start = time.perf_counter()
    steps = step(names)
    row.steps_per_second.append(steps / (time.perf_counter() - start))
