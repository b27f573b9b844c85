"""Comparisons of what the registers answer with what they may answer, and the differences among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cosim.registers.access import RegisterMismatch
from cosim.registers.run import Run

__all__ = ["Comparison"]


class Comparison:
    """Counts accesses and compared values, and keeps every mismatch."""

    def __init__(self) -> None:
        self.accesses = self.compared = 0
        self.mismatches: list[RegisterMismatch] = []

    def report(self, cycle: int, what: str, expected: str, actual: str) -> None:
        """Note a mismatch of the access at hand."""
        self.mismatches.append(RegisterMismatch(self.accesses, cycle, what, expected, actual))

    def compare(self, what: object, cycle: int, expected: Sequence[int], value: int) -> bool:
        """Return whether a word is one of those expected; report it otherwise."""
        self.compared += 1
        if value not in expected:
            self.report(cycle, str(what), " or ".join(map(_shown, expected)), _shown(value))
        return value in expected

    def explain(
        self, what: object, cycle: int, delay: int, by_count: Mapping[int, Any], value: Any, run: Run | None
    ) -> None:
        """Find the numbers of results that explain a value, which tells ``run`` when they came; report one without.

        Parameters
        ----------
        by_count
            Number of results -> the value, for every number that is possible.
        delay
            Cycles from a result to the value that it changes.
        """
        self.compared += 1
        fitting = [count for count, word in by_count.items() if word == value]
        if not fitting:
            expected = " or ".join(f"{_shown(word)} after {count}" for count, word in by_count.items())
            self.report(cycle, str(what), f"{expected} results", _shown(value))
        elif run is not None:
            run.saw(fitting, cycle, delay)


def _shown(value: Any) -> str:
    return f"0x{value:08X}" if isinstance(value, int) else str(value)
