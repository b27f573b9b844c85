"""A core with several streams in Verilator or Icarus, and the test bench around it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from cosim.barrel.testbench import INPUTS, OUTPUTS, BarrelBench
from cosim.core.bench_config import BenchConfig
from cosim.core.cocotb_pins import CocotbPins, writing_findings
from hdl.design import Design

__all__ = ["bench"]


@asynccontextmanager
async def bench(dut: Any) -> AsyncIterator[BarrelBench]:
    """Yield a started test bench, and write its findings when the body ends or meets a difference."""
    config = BenchConfig.from_environment()
    design = Design.load(Path(config.design))
    tb = BarrelBench(CocotbPins(dut, design.clock_hz, (*INPUTS, *OUTPUTS)), design, config)
    await tb.start()
    with writing_findings(tb, config):
        yield tb
