"""Bench: the lock step of `cosim.core.bench_names`, and the processor time that it takes."""

from __future__ import annotations

import time
from typing import Any

import cocotb

from cosim.core.bench_names import play_all
from cosim.core.cocotb_pins import lock_step

__all__ = ["speed"]

_SPEED = "speed "
"""Begins the line that `cosim.core.speed` reads."""


@cocotb.test()
async def speed(dut: Any) -> None:
    """From the first answer of the golden model to the last comparison; loading Python is left out."""
    async with lock_step(dut) as bench:
        begin, edge = time.process_time_ns(), bench.pins.edge
        await play_all(bench)
        cycles, passed = bench.pins.edge - edge, time.process_time_ns() - begin
        print(f"{_SPEED}{cycles} {bench.checker.steps} {passed // 1000}", flush=True)
