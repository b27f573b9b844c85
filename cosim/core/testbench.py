"""The test bench: driver, monitor, golden model and checker wired together around a core."""

from __future__ import annotations

import random
from collections.abc import Callable

from cosim.core.bench_config import BenchConfig, Findings
from cosim.core.checker import Checker, Counted, Mismatch, Transfer
from cosim.core.driver import Driver
from cosim.core.enums import STAGES, stage_name
from cosim.core.model import GoldenModel
from cosim.core.monitor import Monitor
from cosim.core.pins import Pins
from cosim.core.request import Request
from hdl.core.config import CoreConfig
from hdl.design import Design

__all__ = ["Testbench", "step_limit"]


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

    def __init__(self, pins: Pins, design: Design, config: BenchConfig) -> None:
        self.pins, self.design, self.config = pins, design, config
        self.core = design.core
        self.model = GoldenModel(design, config.reference)
        self.checker = Checker(design.core, config.simulator)
        self.driver = Driver(pins, design.core)
        self.counted: list[Counted] = []
        self._monitor = Monitor(pins, self._transfer, self._unstable)
        self._failure: Mismatch | None = None
        self._slowness = 1.0

    async def start(self, *, late: bool = False) -> None:
        """Start the clock, reset the core and begin to watch it; ``late`` as in `Driver.start`."""
        await self.driver.start(late=late)
        self.pins.spawn(self._monitor.watch())

    def stall(self, ready: float, seed: int) -> None:
        """From now on take a result only with probability ``ready`` in each cycle."""
        generator = random.Random(seed)
        self.take_if(lambda: generator.random() < ready, 1 + 1 / ready)

    def take_if(self, take: Callable[[], bool], slowness: float) -> None:
        """From now on take a result only in a cycle that ``take`` agrees to; a step then takes so much longer."""
        self.pins.spawn(self.driver.stall(take))
        self._slowness = slowness

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

    async def end(self, request: Request, accepted: int) -> Counted:
        """Wait until all results of a request were compared, then compare the counters."""
        cycles = round(step_limit(self.core) * self._slowness * (self.checker.pending + 1))
        if self.checker.pending and self._failure is None and not await self.pins.sleep(cycles):
            stage = stage_name(self.pins.read("stage"))
            raise self.checker.mismatch(request, stage, "result", f"offered in {cycles} cycles", None)
        await self.settle()
        counted = self.checker.finish(request, accepted, self.pins.read("counters"))
        await self.expect_idle(request, error=False)
        self.counted.append(counted)
        return counted

    async def settle(self) -> None:
        """Let the running cycle pass and the next one settle; raise what the monitor found meanwhile."""
        await self.pins.cycle()
        await self.pins.settle()
        if self._failure is not None:
            raise self._failure

    async def refuse(self, request: Request, cycles: int = 20) -> None:
        """Send an illegal request: ``error`` must rise, and nothing may run in so many cycles."""
        if self.model.respond(request):
            raise ValueError(f"request must be illegal, not a {request.describe()}")
        await self.driver.send(request)
        await self.pins.settle()
        for _ in range(cycles):
            await self.expect_idle(request, error=True)
            await self.settle()

    async def expect_idle(self, request: Request | None, *, error: bool) -> None:
        """Raise Mismatch unless the core is idle and its ``error`` is as given; to be awaited when settled."""
        wanted = {"busy": 0, "error": int(error), "stage": STAGES["IDLE"], "result__valid": 0, "request__ready": 1}
        for name, value in wanted.items():
            seen = self.pins.read(name)
            if seen.strip("01") or int(seen, 2) != value:
                raise self.checker.mismatch(request, "IDLE", name, value, seen)

    async def clear(self) -> None:
        """Clear core and model; what was announced is dropped."""
        await self.driver.clear()
        await self.forget()

    async def reset(self, cycles: int = 2) -> None:
        """Reset core and model; what was announced is dropped."""
        await self.driver.reset(cycles)
        await self.forget()

    async def forget(self) -> None:
        """Clear the model, as the core was at the last edge, and see that the core is idle and has counted nothing."""
        self.model.clear()
        self.checker.drop()
        await self.pins.settle()
        if self._failure is not None:
            raise self._failure
        await self.expect_idle(None, error=False)
        if (counted := self.pins.read("counters")).strip("0"):
            raise self.checker.mismatch(None, "IDLE", "counters", 0, counted)

    def findings(self, test: str, mismatch: Mismatch | None = None) -> Findings:
        """Return what this test has found."""
        return Findings.of_test(test, self.counted, self.checker, mismatch)

    def _transfer(self, transfer: Transfer) -> None:
        try:
            self.checker.observe(transfer)
        except Mismatch as mismatch:
            self._failure = mismatch
        if self._failure is not None or not self.checker.pending:
            self.pins.wake()

    def _unstable(self, name: str, before: str, now: str) -> None:
        self._failure = self.checker.mismatch(None, "STALL", f"offered {name}", before, now)
        self.pins.wake()
