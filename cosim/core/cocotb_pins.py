"""A core in Verilator or Icarus: its pins by cocotb, and the test bench around them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import cocotb
from cocotb.clock import Clock
from cocotb.simtime import get_sim_time
from cocotb.task import current_task
from cocotb.triggers import (
    Event,
    FallingEdge,
    ReadOnly,
    RisingEdge,
    SimTimeoutError,
    Timer,
    ValueChange,
    with_timeout,
)  # fmt: skip

from cosim.core.bench_config import BenchConfig, Findings
from cosim.core.checker import Mismatch
from cosim.core.lock_step import LockStep
from cosim.core.pins import INPUTS, OUTPUTS
from cosim.core.recorder import TOP, half_period_ps
from cosim.core.testbench import Testbench
from hdl.design import Design

__all__ = ["CocotbPins", "bench", "lock_step", "period_ps", "running_test", "start_clock", "writing_findings"]


def period_ps(clock_hz: int) -> int:
    """Return the period of a clock in ps, even, so that both halves are whole."""
    return 2 * half_period_ps(clock_hz)


async def start_clock(clock: Any, period: int) -> None:
    """Start a clock of so many ps with its low half, so that rising edge i comes i + 1/2 periods from here."""
    # Icarus takes X to 0 for a falling edge, so 0 has to be there before the clock starts.
    clock.value = 0
    await Timer(period, "ps")
    Clock(clock, period, unit="ps", impl="gpi").start(start_high=False)


class CocotbPins:
    """See `cosim.core.pins.Pins`. What waits for a port costs the simulation nothing while that does not change.

    Parameters
    ----------
    dut
        The top module in the simulator.
    clock_hz
        Frequency of its clock.
    names
        Its other ports; those of a core by default.
    """

    def __init__(self, dut: Any, clock_hz: int, names: Sequence[str] = (*INPUTS, *OUTPUTS)) -> None:
        self._clock, self._period = dut.clk, period_ps(clock_hz)
        # The recorder makes its clock itself, which costs a sixth of what cocotb's does.
        self._runs = dut._name == TOP
        self._handles = {name: getattr(dut, name) for name in names}
        self._begin = 0
        self._settled = -1
        self._wake = Event()

    async def start(self) -> None:
        """See `Pins`."""
        if self._runs:
            # It has begun to fall, or is about to.
            await Timer(1, "ps")
            return
        await start_clock(self._clock, self._period)
        self._begin = self._now()

    @staticmethod
    def _now() -> int:
        return round(get_sim_time("step"))

    async def cycle(self) -> None:
        """See `Pins`."""
        await FallingEdge(self._clock)

    async def drivable(self) -> None:
        """See `Pins`."""
        if self._settled == self._now():
            await FallingEdge(self._clock)

    async def settle(self) -> None:
        """See `Pins`."""
        if self._settled != self._now():
            await ReadOnly()
            self._settled = self._now()

    async def rises(self, name: str) -> None:
        """See `Pins`."""
        await RisingEdge(self._handles[name])
        await FallingEdge(self._clock)
        await self.settle()

    def drive(self, **inputs: int) -> None:
        """See `Pins`."""
        for name, value in inputs.items():
            self._handles[name].value = value

    def read(self, name: str) -> str:
        """See `Pins`."""
        return str(self._handles[name].value)

    @property
    def edge(self) -> int:
        """See `Pins`."""
        return (self._now() - self._begin) // self._period

    def spawn(self, task: Coroutine[Any, Any, None]) -> None:
        """See `Pins`."""
        cocotb.start_soon(task)

    def wake(self) -> None:
        """See `Pins`."""
        self._wake.set()

    async def sleep(self, cycles: int) -> bool:
        """See `Pins`."""
        self._wake.clear()
        try:
            await with_timeout(self._wake.wait(), cycles * self._period, "ps")
        except SimTimeoutError:
            return False
        return True


class _RecorderPins(CocotbPins):
    """See `cosim.core.lock_step.RecorderPins`."""

    def __init__(self, dut: Any, clock_hz: int) -> None:
        super().__init__(dut, clock_hz)
        self._play, self._played = dut.play, dut.played

    async def start(self) -> None:
        """See `Pins`."""
        self._play.value = self._turn = 0
        await super().start()

    async def turn(self) -> None:
        """See `RecorderPins`."""
        self._turn ^= 1
        self._play.value = self._turn
        await ValueChange(self._played)


def running_test() -> str:
    """Return the name of the cocotb test that calls, as the results file has it."""
    return current_task().get_name().removeprefix("Test ")


class _Bench(Protocol):
    def findings(self, test: str, mismatch: Mismatch | None = None) -> Findings: ...


@contextmanager
def writing_findings(tb: _Bench, config: BenchConfig) -> Iterator[None]:
    """Write a test bench's findings when the body ends or meets a difference."""
    test = running_test()
    try:
        yield
    except Mismatch as mismatch:
        config.add(tb.findings(test, mismatch))
        raise
    config.add(tb.findings(test))


@asynccontextmanager
async def bench(dut: Any, *, late: bool = False) -> AsyncIterator[Testbench]:
    """Yield a started test bench, and write its findings when the body ends or meets a difference.

    ``late`` as in `cosim.core.driver.Driver.start`.
    """
    config = BenchConfig.from_environment()
    design = Design.load(Path(config.design))
    tb = Testbench(CocotbPins(dut, design.clock_hz), design, config)
    await tb.start(late=late)
    with writing_findings(tb, config):
        yield tb


@asynccontextmanager
async def lock_step(dut: Any) -> AsyncIterator[LockStep]:
    """Yield a started lock step around a core in a recorder, and write its findings as `bench` does."""
    config = BenchConfig.from_environment()
    design = Design.load(Path(config.design))
    tb = LockStep(_RecorderPins(dut, design.clock_hz), design, config)
    await tb.start()
    with writing_findings(tb, config):
        yield tb
