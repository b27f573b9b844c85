"""The lock step: requests in turns, which nobody in Python is woken in, and every answer compared after each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from cosim.core.answers import Answers
from cosim.core.bench_config import BenchConfig, Findings
from cosim.core.checker import Checker, Counted, Mismatch
from cosim.core.comparison import Comparison
from cosim.core.driver import Driver
from cosim.core.model import GoldenModel
from cosim.core.pins import Pins
from cosim.core.recorder import read_turn, write_turn
from cosim.core.request import Request
from cosim.core.testbench import step_limit
from hdl.design import Design

__all__ = ["LockStep", "RecorderPins"]


class RecorderPins(Pins, Protocol):
    """A core in a recorder."""

    async def turn(self) -> None:
        """Let the recorder play the turn that lies in its folder; return when it has ended."""


class LockStep:
    """Sends requests and holds every answer against the golden model, many at a time.

    golden model ─► requests ─► recorder, core ─► what it saw ─► comparison

    The requests of a turn are offered, as soon as the one before has ended, by the recorder beside the core.
    """

    def __init__(self, pins: RecorderPins, design: Design, config: BenchConfig) -> None:
        self.pins, self.design, self.config = pins, design, config
        self.core = design.core
        self.model = GoldenModel(design, config.reference)
        self.checker = Checker(design.core, config.simulator)
        self.driver = Driver(pins, design.core)
        self.counted: list[Counted] = []
        self._comparison = Comparison(self.checker)

    async def start(self) -> None:
        """Start the clock and reset the core."""
        await self.driver.start()

    async def play(self, requests: Sequence[Request], answers: Answers, slowness: float = 1.0) -> None:
        """Play a turn and compare it; Mismatch at the first difference.

        ``slowness``: how much longer a step may take, for results that are taken late.
        """
        limits = np.rint(step_limit(self.core) * slowness * (answers.counts + 1)).astype(np.int64)
        folder = Path()
        write_turn(self.core, requests, answers.counts, limits, folder)
        await self.pins.turn()
        self.counted += self._comparison.compare(requests, answers, read_turn(self.core, folder), limits)

    def findings(self, test: str, mismatch: Mismatch | None = None) -> Findings:
        """Return what this test has found."""
        return Findings.of_test(test, self.counted, self.checker, mismatch)
