"""What is known of a request from outside: its results, and between which cycles each was taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cosim.core.model import Expected

__all__ = ["NEVER", "Held", "Run"]

NEVER = 1 << 62
"""A cycle that is after all others."""


@dataclass
class Held:
    """Random state and logits after some step."""

    rng: int
    logits: tuple[int, ...]


@dataclass
class Run:
    """A request since its start: results ``1 .. n`` at unknown cycles between ``low`` and ``high``."""

    direct: bool
    position: int
    """Given, in direct mode."""
    begun: int
    """Cycle from which it is seen in status."""
    accepted: int
    """Cycle in which the core takes the request; ``NEVER`` if it is not even offered."""
    results: Sequence[Expected]
    causes: int = 0
    """Errors that the core finds, two cycles after it accepted."""
    low: list[int] = field(default_factory=list)
    high: list[int] = field(default_factory=list)
    stages: dict[int, int] = field(default_factory=dict)
    """Stage counters read after the end."""

    def __post_init__(self) -> None:
        # Index 0 is the acceptance.
        self.low = [self.accepted + index for index in range(len(self.results) + 1)]
        self.high = [self.accepted] + [NEVER] * len(self.results)

    @property
    def count(self) -> int:
        """How many results there will be."""
        return len(self.results)

    def may_be(self, cycle: int, delay: int) -> range:
        """Return how many results may be visible in a cycle, where each shows ``delay`` cycles after it was taken."""
        least = sum(high + delay <= cycle for high in self.high[1:])
        most = sum(low + delay <= cycle for low in self.low[1:])
        return range(least, most + 1)

    def saw(self, counts: Sequence[int], cycle: int, delay: int) -> None:
        """Take into account that one of some consecutive numbers of results was visible."""
        least, most = counts[0], counts[-1]
        if least:
            self.high[least] = min(self.high[least], cycle - delay)
        if most < self.count:
            self.low[most + 1] = max(self.low[most + 1], cycle - delay + 1)
        self._spread()

    def saw_end(self, low: int, high: int = NEVER) -> None:
        """Take into account that the last result was taken between two cycles."""
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
        return self.low[-1] if self.results and self.low[-1] == self.high[-1] else None

    def letters(self, count: int) -> int:
        """Return how many of the first results are letters."""
        return sum(not _is_end(result) for result in self.results[:count])

    def tokens(self, count: int) -> list[int]:
        """Return the letters of a name among the first results."""
        return [r.fields["token_out"] for r in self.results[:count] if not self.direct and not _is_end(r)]


def _is_end(result: Expected) -> bool:
    return result.fields["token_out"] == len(result.logits) - 1
