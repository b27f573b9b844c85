"""The demo of a core with several streams on a model of the registers, with random waits: a batch a period."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.sim import Simulator

from hdl.boards.parts.batch_demo import BATCH_NAMES, BatchDemo
from hdl.registers.batch_map import batch_map
from hdl.registers.map import TEMPERATURE
from talos_ref.model.config import MICROGPT
from tests.helpers.avalon import Target
from tests.helpers.streams import CLOCK_PERIOD, seed

REGISTERS = batch_map(MICROGPT)
PERIOD = 300


class Machine:
    """Registers as the demo sees them; a batch is done after some reads of the status."""

    def __init__(self, rng: random.Random) -> None:
        self.rng, self.written = rng, dict.fromkeys(("config", "seed", "count"), -1)
        self.batches: list[dict[str, int]] = []
        self.digests: list[int] = []
        self.polls = 0

    def read(self, address: int) -> int:
        found = REGISTERS.find(address)
        assert found is not None
        entry, _ = found
        if entry.name == "status":
            self.polls -= 1
            return entry.encode(busy=self.polls > 0, done=self.polls <= 0)
        assert entry.name == "digest", f"read of {entry.name}"
        assert self.polls <= 0
        self.digests.append(self.rng.getrandbits(32))
        return self.digests[-1]

    def write(self, address: int, data: int) -> None:
        found = REGISTERS.find(address)
        assert found is not None
        entry, _ = found
        if entry.name != "control":
            self.written[entry.name] = data
            return
        assert entry.decode(data) == {"start": 1, "clear": 1}
        self.batches.append(dict(self.written))
        self.polls = self.rng.randrange(1, 20)


@pytest.mark.parametrize("wait", [0.0, 0.5])
def test_batches(wait: float) -> None:
    rng = random.Random(seed())
    demo, machine = BatchDemo(REGISTERS, cycles=PERIOD), Machine(rng)
    target = Target(demo.bus, rng, machine.read, machine.write, wait=wait)
    said: list[tuple[int, int]] = []

    async def listen(ctx: Any) -> None:
        report = demo.report
        while True:
            _, _, valid, first, digest = await ctx.tick().sample(report.valid, report.seed, report.digest)
            if valid:
                said.append((first, digest))

    async def bench(ctx: Any) -> None:
        await ctx.tick().repeat(PERIOD)
        assert target.log == []
        ctx.set(demo.enable, 1)
        await ctx.tick().repeat(10 * PERIOD - 1)
        ctx.set(demo.enable, 0)
        await ctx.tick().repeat(3 * PERIOD)

    simulator = Simulator(demo)
    simulator.add_clock(CLOCK_PERIOD)
    simulator.add_testbench(target.serve, background=True)
    simulator.add_testbench(listen, background=True)
    simulator.add_testbench(bench)
    simulator.run()
    config = REGISTERS.register("config").encode(limit=MICROGPT.max_letters, temperature=TEMPERATURE)
    seeds = [1 + BATCH_NAMES * number for number in range(10)]
    assert machine.batches == [{"config": config, "seed": first, "count": BATCH_NAMES} for first in seeds]
    assert said == list(zip(seeds, machine.digests, strict=True))


@pytest.mark.parametrize(("cycles", "error"), [(1.5, TypeError), (0, ValueError)])
def test_refused(cycles: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^cycles must be "):
        BatchDemo(REGISTERS, cycles=cycles)
