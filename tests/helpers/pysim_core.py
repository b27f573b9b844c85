"""A core in Amaranth's simulator: the pins that `cosim.core.testbench.Testbench` drives, as its tasks take turns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any

from amaranth.hdl import ClockDomain, Module, Value
from amaranth.sim import Simulator

from cosim.core.bench_config import BenchConfig
from cosim.core.pins import INPUTS, OUTPUTS
from cosim.core.testbench import Testbench
from hdl.core.core import Core
from hdl.design import Design
from tests.helpers.streams import CLOCK_PERIOD

__all__ = ["PysimPins", "simulate"]

SIMULATOR = "Amaranth's simulator"


class _Turn:
    """What a task waits for: its turn to drive inputs, or to look at what has settled."""

    def __init__(self, *, settled: bool) -> None:
        self.settled = settled

    def __await__(self) -> Generator[bool, None, None]:
        yield self.settled


class PysimPins:
    """See `cosim.core.pins.Pins`."""

    def __init__(self, core: Core, reset: Any) -> None:
        self._signals = {name: reset if name == "rst" else _port(core, name) for name in (*INPUTS, *OUTPUTS)}
        self._ctx: Any = None
        self._tasks: list[Coroutine[Any, Any, None]] = []
        self._settled = self._woken = False
        self._edge = 0

    async def simulate(self, ctx: Any, main: Coroutine[Any, Any, None]) -> None:
        """Give all tasks their turns, cycle by cycle, until the main one ends; it comes last in every turn."""
        self._ctx = ctx
        waiting: dict[Coroutine[Any, Any, None], bool] = {}
        while True:
            for self._settled in (False, True):
                for task in [*self._tasks, main]:
                    if waiting.get(task, False) is not self._settled:
                        continue
                    try:
                        waiting[task] = task.send(None)
                    except StopIteration:
                        if task is main:
                            return
                        self._tasks.remove(task)
            await ctx.tick()
            self._edge += 1

    async def start(self) -> None:
        """See `Pins`."""

    async def cycle(self) -> None:
        """See `Pins`."""
        await _Turn(settled=False)

    async def drivable(self) -> None:
        """See `Pins`. Amaranth's simulator takes inputs at any time."""

    async def settle(self) -> None:
        """See `Pins`."""
        if not self._settled:
            await _Turn(settled=True)

    async def rises(self, name: str) -> None:
        """See `Pins`."""
        while self.read(name) != "1":
            await self.cycle()
            await self.settle()

    def drive(self, **inputs: int) -> None:
        """See `Pins`."""
        for name, value in inputs.items():
            self._ctx.set(self._signals[name], value)

    def read(self, name: str) -> str:
        """See `Pins`."""
        signal = self._signals[name]
        return f"{self._ctx.get(signal) & ((1 << len(signal)) - 1):0{len(signal)}b}"

    @property
    def edge(self) -> int:
        """See `Pins`."""
        return self._edge

    def spawn(self, task: Coroutine[Any, Any, None]) -> None:
        """See `Pins`."""
        self._tasks.append(task)

    def wake(self) -> None:
        """See `Pins`."""
        self._woken = True

    async def sleep(self, cycles: int) -> bool:
        """See `Pins`."""
        self._woken = False
        for _ in range(cycles):
            await self.settle()
            if self._woken:
                return True
            await self.cycle()
        return False


def _port(core: Core, name: str) -> Value:
    member: Any = core
    for part in name.split("__"):
        member = getattr(member, part)
    return Value.cast(member)


def simulate(design: Design, bench: Callable[[Testbench], Awaitable[None]]) -> None:
    """Run a bench on a design's core; Mismatch at the first difference."""
    core, top, domain = Core(design), Module(), ClockDomain("sync")
    top.domains.sync = domain
    top.submodules.core = core
    simulator = Simulator(top)
    simulator.add_clock(CLOCK_PERIOD)
    pins = PysimPins(core, domain.rst)
    tb = Testbench(pins, design, BenchConfig(design="", simulator=SIMULATOR))

    async def main() -> None:
        await tb.start()
        await bench(tb)

    async def outside(ctx: Any) -> None:
        await pins.simulate(ctx, main())

    simulator.add_testbench(outside)
    simulator.run()
