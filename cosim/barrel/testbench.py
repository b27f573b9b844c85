"""The test bench of a core with several streams: batches in, results out, all of them compared."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from cosim.barrel.batch import Batch
from cosim.barrel.checker import BarrelChecker
from cosim.barrel.names import expected_names
from cosim.core.bench_config import BenchConfig, Findings
from cosim.core.checker import Mismatch
from cosim.core.payload import Packing
from cosim.core.pins import Pins
from hdl.core.barrel.interface import batch_layout
from hdl.design import Design

__all__ = ["INPUTS", "OUTPUTS", "BarrelBench"]

INPUTS = ("batch__valid", "batch__payload", "result__ready", "clear", "rst")
OUTPUTS = (
    "batch__ready", "result__valid", "result__payload", "tap_valid", "tap", "busy", "error", "counters",
)  # fmt: skip

_STEP_LIMIT = 4000
"""Cycles after which a step is given up."""


class BarrelBench:
    """Sends batches and holds every result, logit and random state against the golden model."""

    def __init__(self, pins: Pins, design: Design, config: BenchConfig) -> None:
        self.pins, self.design, self.config = pins, design, config
        self.checker = BarrelChecker(design.core, config.simulator)
        self.counters: dict[str, int] = {}
        self.on_name: Callable[[int], None] = lambda done: None
        """Called with the number of names that have ended, whenever one has."""
        self._packing = Packing(batch_layout(design.core))
        self._failure: Mismatch | None = None
        self._slowness = 1.0
        self._accepted = self._taken = 0

    async def start(self) -> None:
        """Start the clock, reset the core and begin to watch it."""
        self.pins.drive(batch__valid=0, batch__payload=0, result__ready=1, clear=0, rst=1)
        await self.pins.start()
        await self.idle(2)
        self.pins.drive(rst=0)
        self.pins.spawn(self._watch_taps())
        self.pins.spawn(self._watch_results())

    async def idle(self, cycles: int) -> None:
        """Let some cycles pass."""
        for _ in range(cycles):
            await self.pins.cycle()

    def stall(self, ready: float, seed: int) -> None:
        """From now on take a result only with probability ``ready`` in each cycle."""
        generator = random.Random(seed)
        self._slowness = 1 + 1 / ready

        async def drive() -> None:
            while True:
                await self.pins.cycle()
                self.pins.drive(result__ready=int(generator.random() < ready))

        self.pins.spawn(drive())

    async def send(self, batch: Batch) -> int:
        """Announce a batch, offer it until it is accepted, and return the number of the accepting clock edge."""
        pins = self.pins
        self.checker.expect(expected_names(self.design, batch, self.config.reference))
        await pins.drivable()
        pins.drive(batch__payload=self._packing.pack(batch.fields()), batch__valid=1)
        await pins.settle()
        while pins.read("batch__ready") != "1":
            await pins.cycle()
            await pins.settle()
            self.raise_failure()
        edge = pins.edge
        if pins.read("busy") == "0":
            self.checker.restart(edge)
            self._accepted = edge
        await pins.cycle()
        # The payload counts in the accepting cycle only; a core that looks again later has to fail.
        pins.drive(batch__valid=0, batch__payload=(1 << self._packing.width) - 1)
        return edge

    async def run(self, batches: Sequence[Batch], gap: int = 0) -> dict[str, int]:
        """Send batches one after another, with so many cycles between them, and return the counters at their end."""
        for index, batch in enumerate(batches):
            if index:
                await self.idle(gap)
            await self.send(batch)
        return await self.end(together=gap == 0)

    async def end(self, *, together: bool = True) -> dict[str, int]:
        """Wait until all names have ended and been compared; ``together``: the core was never idle in between."""
        seen = -1
        # A core may take so long for a step, not for all of them.
        while self.checker.pending and self._failure is None and self.checker.steps != seen:
            seen = self.checker.steps
            await self.pins.sleep(round(_STEP_LIMIT * self._slowness))
        self.raise_failure()
        if self.checker.pending:
            raise self.checker.mismatch(None, 0, "result", f"offered in {_STEP_LIMIT} cycles", None)
        await self.idle(3)
        await self.pins.settle()
        self.raise_failure()
        self.expect_idle(error=False)
        cycles = self._taken - self._accepted if together else None
        self.counters = self.checker.finish(cycles, self.pins.read("counters"))
        return self.counters

    async def refuse(self, batch: Batch, cycles: int = 40) -> None:
        """Send an illegal batch: ``error`` must rise, and nothing may run in so many cycles."""
        if expected_names(self.design, batch):
            raise ValueError(f"batch must be illegal, not {batch.describe()}")
        await self.send(batch)
        for _ in range(cycles):
            await self.pins.settle()
            self.raise_failure()
            self.expect_idle(error=True)
            await self.pins.cycle()

    async def abandon(self, how: str) -> None:
        """Clear or reset the core, in whatever it is at, and see that it is idle and has counted nothing."""
        await self.pins.drivable()
        self.pins.drive(**{how: 1})
        await self.pins.cycle()
        self.pins.drive(**{how: 0})
        self.raise_failure()
        self.checker.drop()
        await self.pins.settle()
        self.expect_idle(error=False)
        if (counted := self.pins.read("counters")).strip("0"):
            raise self.checker.mismatch(None, 0, "counters", 0, counted)

    def expect_idle(self, *, error: bool) -> None:
        """Raise Mismatch unless the core is idle and its ``error`` is as given; only when settled."""
        wanted = {"busy": 0, "error": int(error), "result__valid": 0, "batch__ready": 1}
        for name, value in wanted.items():
            if (seen := self.pins.read(name)) != str(value):
                raise self.checker.mismatch(None, 0, name, value, seen)

    def raise_failure(self) -> None:
        """Raise what the monitors have found."""
        if self._failure is not None:
            raise self._failure

    def findings(self, test: str, mismatch: Mismatch | None = None) -> Findings:
        """Return what this test has found."""
        return Findings(
            tests=(test,),
            counted=(),
            steps=self.checker.steps,
            values=self.checker.values,
            mismatch=None if mismatch is None else mismatch.to_json(),
            counters=self.counters,
            by_position=tuple((cycles, steps) for cycles, steps in self.checker.by_position),
        )

    async def _watch_taps(self) -> None:
        while True:
            await self.pins.rises("tap_valid")
            self.checker.observe_tap(self.pins.read("tap"))

    async def _watch_results(self) -> None:
        pins = self.pins
        while True:
            await pins.rises("result__valid")
            offered = pins.read("result__payload")
            while pins.read("result__valid") == "1":
                payload = pins.read("result__payload")
                if payload != offered:
                    self._fail(self.checker.mismatch(None, 0, "offered result", offered, payload))
                if pins.read("result__ready") == "1":
                    self._take(payload)
                await pins.cycle()
                await pins.settle()

    def _take(self, payload: str) -> None:
        self._taken = self.pins.edge
        ended = self.checker.finished
        try:
            self.checker.observe(payload, self._taken)
        except Mismatch as mismatch:
            self._fail(mismatch)
        if self.checker.finished > ended:
            self.on_name(self.checker.finished)
        if not self.checker.pending:
            self.pins.wake()

    def _fail(self, mismatch: Mismatch) -> None:
        if self._failure is None:
            self._failure = mismatch
        self.pins.wake()
