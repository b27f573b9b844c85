"""Sums over the names that a board has made, in the machine's own cycles and in the host's seconds."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from cosim.host.machine import NameRun
from hdl.core.interface import Stage

__all__ = ["Totals"]


@dataclass
class Totals:
    """What ``count`` names add up to.

    letters/s = letters · clock / cycles, steps/s = steps · clock / cycles: what the machine does, without the cable and
    the host between two names. The host's own rate is over the wall time from the first name's start on.
    """

    clock_hz: int
    names: int = 0
    letters: int = 0
    steps: int = 0
    cycles: int = 0
    stages: list[int] = field(default_factory=lambda: [0] * len(Stage))
    values: int = 0
    """Values compared with the golden model."""
    started: float = field(default_factory=time.monotonic)

    def add(self, run: NameRun) -> None:
        """Count a name in, by the machine's counters."""
        counters = run.last.counters
        self.names += 1
        self.letters += counters.letters
        self.steps += counters.steps
        self.cycles += counters.cycles
        self.stages = [a + b for a, b in zip(self.stages, counters.stages, strict=True)]

    @property
    def seconds(self) -> float:
        """Wall time so far."""
        return time.monotonic() - self.started

    @property
    def letters_per_second(self) -> float:
        """The machine's; 0 before the first name."""
        return self.letters * self.clock_hz / self.cycles if self.cycles else 0.0

    @property
    def steps_per_second(self) -> float:
        """The machine's; 0 before the first name."""
        return self.steps * self.clock_hz / self.cycles if self.cycles else 0.0

    def rate(self) -> str:
        """Return the rates of machine and host in a few words."""
        host = self.letters / self.seconds
        return f"{self.letters_per_second:,.0f} letters/s on the board, {host:,.0f} through the host"

    def to_json(self) -> dict[str, Any]:
        """Return sums and rates."""
        seconds = self.seconds
        return {
            "names": self.names,
            "letters": self.letters,
            "steps": self.steps,
            "cycles": self.cycles,
            "cycles_per_step": self.cycles / self.steps if self.steps else None,
            "cycles_by_stage": {stage.name.lower(): self.stages[stage] for stage in Stage if stage is not Stage.IDLE},
            "letters_per_second": self.letters_per_second,
            "steps_per_second": self.steps_per_second,
            "host_seconds": seconds,
            "host_letters_per_second": self.letters / seconds,
        }
