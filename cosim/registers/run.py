"""What is known from outside of when a request's results came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["NEVER", "Run"]

NEVER = 1 << 62
"""A cycle that is after all others."""


@dataclass
class Run:
    """A request since its start: results ``1 .. count`` at unknown cycles between ``low`` and ``high``."""

    accepted: int
    """Cycle in which the core takes the request; ``NEVER`` if it is not even offered."""
    count: int
    """Results that there will be; none if the request is refused."""
    low: list[int] = field(default_factory=list)
    high: list[int] = field(default_factory=list)
    stages: dict[int, int] = field(default_factory=dict)
    """Stage counters read after the end."""

    def __post_init__(self) -> None:
        # Index 0 is the acceptance.
        self.low = [self.accepted + index for index in range(self.count + 1)]
        self.high = [self.accepted] + [NEVER] * self.count

    def may_be(self, cycle: int, delay: int) -> range:
        """Return how many results may be visible in a cycle, where each shows ``delay`` cycles after it was taken."""
        least = sum(high + delay <= cycle for high in self.high[1:])
        most = sum(low + delay <= cycle for low in self.low[1:])
        return range(least, most + 1)

    def saw(self, counts: Sequence[int], cycle: int, delay: int) -> None:
        """Take into account that one of some numbers of results, in order, was visible; a gap in them says nothing."""
        least, most = counts[0], counts[-1]
        if most - least != len(counts) - 1:
            return
        if least:
            self.high[least] = min(self.high[least], cycle - delay)
        if most < self.count:
            self.low[most + 1] = max(self.low[most + 1], cycle - delay + 1)
        self._spread()

    def saw_cycles(self, value: int, cycle: int) -> str | None:
        """Take the counter ``cycles`` into account; return what it must be if it cannot be this."""
        # While the request runs it is the time since the acceptance, a cycle late.
        elapsed = self._elapsed(cycle)
        least, most = self.low[-1], min(self.high[-1], cycle - 2)
        if value == elapsed and self.high[-1] >= cycle - 1:
            self._ends(cycle - 1, NEVER)
        elif least <= self.accepted + value <= most:
            self._ends(self.accepted + value, self.accepted + value)
        else:
            return f"{elapsed}, or {least - self.accepted} to {most - self.accepted} if it has ended"
        return None

    def saw_stage(self, index: int, value: int, cycle: int, stages: int) -> str | None:
        """Take one of the counters ``stage_cycles`` into account; return what it must be if it cannot be this."""
        if not 0 <= value <= self._elapsed(cycle):
            return f"0 to {self._elapsed(cycle)}"
        if self.high[-1] >= cycle:
            return None
        if self.stages.setdefault(index, value) != value:
            return str(self.stages[index])
        total = sum(self.stages.values())
        if len(self.stages) == stages and self.end not in (None, self.accepted + total):
            return f"{self.low[-1] - self.accepted} in sum, which is {total},"
        return None

    def _elapsed(self, cycle: int) -> int:
        return max(0, cycle - self.accepted - 1)

    def _ends(self, low: int, high: int) -> None:
        """The last result was taken between two cycles."""
        self.low[-1], self.high[-1] = max(self.low[-1], low), min(self.high[-1], high)
        self._spread()

    def _spread(self) -> None:
        """One result a cycle, in order."""
        for index in range(self.count - 1, 0, -1):
            self.high[index] = min(self.high[index], self.high[index + 1] - 1)
        for index in range(1, self.count + 1):
            self.low[index] = max(self.low[index], self.low[index - 1] + 1)

    @property
    def end(self) -> int | None:
        """The cycle that took the last result, if it is known."""
        return self.low[-1] if self.count and self.low[-1] == self.high[-1] else None
