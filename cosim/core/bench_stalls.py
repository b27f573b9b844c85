"""Bench of back-pressure: results are taken late, at random; an offered result may not change meanwhile."""

from __future__ import annotations

import random
from typing import Any

import cocotb

from cosim.core.cocotb_pins import bench
from cosim.core.enums import STAGES
from cosim.core.request import name_request, step_request

__all__ = ["slow_consumer"]


@cocotb.test()
@cocotb.parametrize(ready=[0.5, 0.02])
async def slow_consumer(dut: Any, ready: float) -> None:
    """The same bits come out, the wait is counted as STALL, and all stages still add up to the total."""
    async with bench(dut) as tb:
        model = tb.core.model
        tb.stall(ready, seed=1)
        for seed in (1,) if tb.config.short else range(1, 9):
            await tb.run(name_request(seed, 0x80, model.max_letters, greedy=seed == 8))
        generator = random.Random(2)
        for position in range(4):
            token = generator.randrange(model.vocab_size)
            await tb.run(step_request(generator.getrandbits(32), 0x100, token, position))
        stalled = sum(counted.stages[STAGES["STALL"]] for counted in tb.counted)
        if not stalled:
            raise tb.checker.mismatch(None, "STALL", "counters.stages[STALL]", "above 0", stalled)
