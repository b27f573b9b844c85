"""cocotb bench of the sweep in test_rmsnorm.py: every scale of ``talos-v2`` against the golden model."""

from __future__ import annotations

import os
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, Timer, ValueChange

from talos_ref.golden.format import Q4_12
from talos_ref.golden.rmsnorm import RootRmsNorm

__all__ = ["every_scale"]


@cocotb.test()
async def every_scale(dut: Any) -> None:
    """Compare batch after batch; the last one may run past the largest mean square."""
    spec = RootRmsNorm(n=16, word=Q4_12)
    batch = int(os.environ["BATCH"])
    width = spec.scale_format.width
    dut.clk.value, dut.rst.value = 0, 1
    await Timer(1, "ns")
    Clock(dut.clk, 10, unit="ns").start(start_high=False)
    for _ in range(3):
        await FallingEdge(dut.clk)
    dut.rst.value = 0
    mean = 1
    while mean <= spec.max_mean_square:
        await ValueChange(dut.parity)
        await Timer(1, "ns")
        word = dut.scales.value.to_unsigned()
        for place in range(min(batch, spec.max_mean_square + 1 - mean)):
            actual, expected = word >> (width * place) & ((1 << width) - 1), spec.scale_of_mean(mean)
            assert actual == expected, f"for mean square {mean}: expected {expected}, not {actual}"
            mean += 1
    print(f"scales {mean - 1}")
