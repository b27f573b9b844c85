"""The driver: clock, reset, requests and back-pressure. Inputs change at the falling edge, which no circuit samples."""

from __future__ import annotations

import random
from typing import Any

from cocotb.clock import Clock
from cocotb.simtime import get_sim_time
from cocotb.triggers import FallingEdge, ReadOnly, Timer

from cosim.core.payload import Packing
from cosim.core.request import Request
from hdl.core.config import CLOCK_HZ, CoreConfig
from hdl.core.interface import request_layout

__all__ = ["PERIOD_PS", "Driver", "Timebase"]

PERIOD_PS = 2 * round(1e12 / CLOCK_HZ / 2)
"""Clock period in ps, even, so that both halves are whole."""


class Timebase:
    """The test bench's own count of clock edges: simulated time over the period."""

    def __init__(self) -> None:
        self._start = 0

    def start(self, clock: Any) -> None:
        """Start the clock, low half first, so that rising edge ``i`` comes ``i + 1/2`` periods from here."""
        self._start = round(get_sim_time("step"))
        Clock(clock, PERIOD_PS, unit="ps", impl="gpi").start(start_high=False)

    def next_edge(self) -> int:
        """Return the number of the next rising edge; to be asked in the low half of the clock."""
        return int(get_sim_time("step") - self._start) // PERIOD_PS


class Driver:
    """Drives every input of a core.

    Parameters
    ----------
    dut
        The top module in the simulator.
    core
        Its configuration.
    timebase
        Numbers the clock edges.
    """

    def __init__(self, dut: Any, core: CoreConfig, timebase: Timebase) -> None:
        self._dut, self._timebase = dut, timebase
        self._packing = Packing(request_layout(core.model))

    async def start(self, *, late: bool = False) -> None:
        """Set every input to its idle value, start the clock, and reset the core.

        ``late``: only after some cycles in which it does what it likes, and for one cycle.
        """
        dut = self._dut
        dut.request__valid.value = 0
        dut.request__payload.value = 0
        dut.result__ready.value = 1
        dut.clear.value = 0
        dut.rst.value = int(not late)
        # Icarus takes X to 0 for a falling edge, so 0 has to be there before the clock starts.
        dut.clk.value = 0
        await Timer(PERIOD_PS, "ps")
        self._timebase.start(dut.clk)
        await self.idle(2)
        await self.reset(1 if late else 2)

    async def idle(self, cycles: int) -> None:
        """Let some cycles pass and return in the low half of the clock."""
        for _ in range(cycles):
            await FallingEdge(self._dut.clk)

    async def reset(self, cycles: int = 2) -> None:
        """Hold ``rst`` for some cycles."""
        await self._pulse(self._dut.rst, cycles)

    async def clear(self) -> None:
        """Hold ``clear`` for one cycle."""
        await self._pulse(self._dut.clear, 1)

    async def send(self, request: Request) -> int:
        """Offer a request until it is accepted; return the number of the accepting clock edge."""
        dut = self._dut
        await FallingEdge(dut.clk)
        dut.request__payload.value = self._packing.pack(request.fields())
        dut.request__valid.value = 1
        await ReadOnly()
        while dut.request__ready.value != 1:
            await FallingEdge(dut.clk)
            await ReadOnly()
        edge = self._timebase.next_edge()
        await FallingEdge(dut.clk)
        dut.request__valid.value = 0
        # The payload counts in the accepting cycle only; a core that looks again later has to fail.
        dut.request__payload.value = (1 << self._packing.width) - 1
        return edge

    async def stall(self, ready: float, generator: random.Random) -> None:
        """Take results only in a cycle drawn with probability ``ready``, for ever; to be started as a task."""
        while True:
            await FallingEdge(self._dut.clk)
            self._dut.result__ready.value = int(generator.random() < ready)

    async def _pulse(self, signal: Any, cycles: int) -> None:
        await FallingEdge(self._dut.clk)
        signal.value = 1
        await self.idle(cycles)
        signal.value = 0
