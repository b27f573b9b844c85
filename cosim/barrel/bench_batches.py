"""Bench: the batches of the configuration, one after another, in lock step with the golden model."""

from __future__ import annotations

from typing import Any

import cocotb

from cosim.barrel.cocotb_bench import bench
from cosim.core.bench_config import PROGRESS

__all__ = ["batches"]


@cocotb.test()
async def batches(dut: Any) -> None:
    """Compare every step of every name of every batch."""
    async with bench(dut) as tb:
        total = sum(batch.count for batch in tb.config.batches)

        def report(done: int) -> None:
            if done == total or done % max(1, total // 100) == 0:
                print(f"{PROGRESS}{done} {total}", flush=True)

        tb.on_name = report
        await tb.run(tb.config.batches)
