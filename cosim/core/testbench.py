"""The test bench: driver, monitor, golden model and checker wired together around a core."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import cocotb
from cocotb.task import current_task
from cocotb.triggers import Event, FallingEdge, ReadOnly, SimTimeoutError, with_timeout

from cosim.core.bench_config import BenchConfig, Findings
from cosim.core.checker import Checker, Counted, Mismatch, Transfer
from cosim.core.driver import PERIOD_PS, Driver, Timebase
from cosim.core.enums import STAGES, stage_name
from cosim.core.model import GoldenModel
from cosim.core.monitor import Monitor
from cosim.core.request import Request
from hdl.core.config import CoreConfig
from hdl.design import Design

__all__ = ["Testbench", "bench", "running_test", "step_limit"]


def step_limit(core: CoreConfig) -> int:
    """Return the cycles after which a step is given up: several times the longest that the core can take.

    It multiplies a tile a cycle, does at least a hidden unit, a letter or a cached position a cycle, and waits some
    tens of cycles for each division and root.
    """
    model = core.model
    matrices = [shape for name, shape in model.shapes().items() if name not in ("wte", "wpe")]
    tiles = sum(-(-rows // core.tile_rows) * -(-columns // core.tile_columns) for rows, columns in matrices)
    return 4 * (tiles + model.mlp_dim + model.vocab_size + (model.block_size + 100) * model.n_layer + 100)


class Testbench:
    """Sends requests and holds every answer against the golden model.

    driver ─► core ─► monitor ─► checker ◄─ model
    """

    __test__ = False

    def __init__(self, dut: Any, config: BenchConfig | None = None) -> None:
        self.dut = dut
        self.config = BenchConfig.from_environment() if config is None else config
        self.design = Design.load(Path(self.config.design))
        self.core = core = self.design.core
        self.model = GoldenModel(self.design, self.config.reference)
        self.checker = Checker(core, self.config.simulator)
        timebase = Timebase()
        self.driver = Driver(dut, core, timebase)
        self.counted: list[Counted] = []
        self._monitor = Monitor(dut, timebase, self._transfer, self._unstable)
        self._wake = Event()
        self._failure: Mismatch | None = None
        self._slowness = 1.0

    async def start(self, *, late: bool = False) -> None:
        """Start the clock, reset the core and begin to watch it; ``late`` as in `Driver.start`."""
        await self.driver.start(late=late)
        cocotb.start_soon(self._monitor.watch())

    def stall(self, ready: float, seed: int) -> None:
        """From now on take a result only with probability ``ready`` in each cycle."""
        cocotb.start_soon(self.driver.stall(ready, random.Random(seed)))
        self._slowness = 1 + 1 / ready

    async def run(self, request: Request) -> Counted:
        """Send a request, compare all its results and the counters, and return its cycles."""
        accepted = await self.begin(request)
        return await self.end(request, accepted)

    async def begin(self, request: Request) -> int:
        """Send a request and return the clock edge that accepted it."""
        self.announce(request)
        return await self.driver.send(request)

    def announce(self, request: Request) -> None:
        """Expect the results of a request that is about to be accepted."""
        self.checker.expect(request, self.model.respond(request))
        self._wake.clear()

    async def end(self, request: Request, accepted: int) -> Counted:
        """Wait until all results of a request were compared, then compare the counters."""
        cycles = round(step_limit(self.core) * self._slowness * (self.checker.pending + 1))
        if self.checker.pending and self._failure is None:
            try:
                await with_timeout(self._wake.wait(), cycles * PERIOD_PS, "ps")
            except SimTimeoutError:
                stage = stage_name(str(self.dut.stage.value))
                raise self.checker.mismatch(request, stage, "result", f"offered in {cycles} cycles", None) from None
        await self.settle()
        counted = self.checker.finish(request, accepted, str(self.dut.counters.value))
        await self.expect_idle(request, error=False)
        self.counted.append(counted)
        return counted

    async def settle(self) -> None:
        """Let the running cycle pass and everything settle; raise what the monitor found meanwhile."""
        await FallingEdge(self.dut.clk)
        await ReadOnly()
        if self._failure is not None:
            raise self._failure

    async def refuse(self, request: Request) -> None:
        """Send an illegal request: ``error`` must rise, and nothing may run."""
        if self.model.respond(request):
            raise ValueError(f"request must be illegal, not a {request.describe()}")
        await self.driver.send(request)
        for _ in range(20):
            await self.settle()
            await self.expect_idle(request, error=True)

    async def expect_idle(self, request: Request, *, error: bool) -> None:
        """Raise Mismatch unless the core is idle and its ``error`` is as given; to be awaited when settled."""
        dut = self.dut
        wanted = {"busy": 0, "error": int(error), "stage": STAGES["IDLE"], "result__valid": 0, "request__ready": 1}
        for name, value in wanted.items():
            seen = str(getattr(dut, name).value)
            if seen.strip("01") or int(seen, 2) != value:
                raise self.checker.mismatch(request, "IDLE", name, value, seen)

    async def clear(self) -> None:
        """Clear core and model; what was announced is dropped."""
        await self.driver.clear()
        await self._forget()

    async def reset(self, cycles: int = 2) -> None:
        """Reset core and model; what was announced is dropped."""
        await self.driver.reset(cycles)
        await self._forget()

    async def _forget(self) -> None:
        self.model.clear()
        self.checker.drop()
        await self.settle()

    def save(self, test: str, mismatch: Mismatch | None = None) -> None:
        """Add the findings of a test to those of the tests before it in the same run."""
        found = Findings(
            tests=(test,),
            counted=tuple(self.counted),
            steps=self.checker.steps,
            values=self.checker.values,
            mismatch=None if mismatch is None else mismatch.to_json(),
        )
        self.config.add(found)

    def _transfer(self, transfer: Transfer) -> None:
        try:
            self.checker.observe(transfer)
        except Mismatch as mismatch:
            self._failure = mismatch
        if self._failure is not None or not self.checker.pending:
            self._wake.set()

    def _unstable(self, name: str, before: str, now: str) -> None:
        self._failure = self.checker.mismatch(None, "STALL", f"offered {name}", before, now)
        self._wake.set()


def running_test() -> str:
    """Return the name of the cocotb test that calls, as the results file has it."""
    return current_task().get_name().removeprefix("Test ")


@asynccontextmanager
async def bench(dut: Any, *, late: bool = False) -> AsyncIterator[Testbench]:
    """Yield a started test bench, and write its findings when the body ends or meets a difference.

    ``late`` as in `Driver.start`.
    """
    test = running_test()
    tb = Testbench(dut)
    await tb.start(late=late)
    try:
        yield tb
    except Mismatch as mismatch:
        tb.save(test, mismatch)
        raise
    tb.save(test)
