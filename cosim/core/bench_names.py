"""Bench: the requests of the configuration, one after another, in lock step with the golden model."""

from __future__ import annotations

from typing import Any

import cocotb

from cosim.core.bench_config import PROGRESS
from cosim.core.cocotb_pins import bench

__all__ = ["names"]

_MANY = 500
"""Names from which the golden model runs them side by side; the plain form is what fewer are held against."""


@cocotb.test()
async def names(dut: Any) -> None:
    """Compare every step of every request."""
    async with bench(dut) as tb:
        total = len(tb.config.requests)
        if total > _MANY:
            tb.model.prepare(tb.config.requests)
        for done, request in enumerate(tb.config.requests, start=1):
            await tb.run(request)
            if done == total or done % max(1, total // 100) == 0:
                print(f"{PROGRESS}{done} {total}", flush=True)
