"""Performance counters: where the cycles of the last request went."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl.core.interface import COUNTERS, Stage

__all__ = ["PerformanceCounters"]


class PerformanceCounters(wiring.Component):
    """``counters`` of the core; ``clear`` zeroes all of them, and every later cycle with ``busy`` counts.

    Members
    -------
    clear, busy, stage : In
        A busy cycle counts once in ``cycles`` and once in its stage.
    step, letter : In(1)
        A step ended in this cycle; it drew a letter.
    counters : Out(COUNTERS)
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "clear": In(1),
                "busy": In(1),
                "stage": In(Stage),
                "step": In(1),
                "letter": In(1),
                "counters": Out(COUNTERS),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        counters = self.counters
        with m.If(self.busy):
            m.d.sync += counters.cycles.eq(counters.cycles + 1)
            for stage in Stage:
                with m.If(self.stage == stage):
                    m.d.sync += counters.stages[stage.value].eq(counters.stages[stage.value] + 1)
        with m.If(self.step):
            m.d.sync += counters.steps.eq(counters.steps + 1)
        with m.If(self.letter):
            m.d.sync += counters.letters.eq(counters.letters + 1)
        with m.If(self.clear):
            m.d.sync += counters.eq(0)
        return m
