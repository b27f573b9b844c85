"""cocotb bench of the accumulator in test_simulators.py; not collected by pytest."""

from __future__ import annotations

import os
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, Timer

__all__ = ["accumulates", "crashes", "fails", "hangs", "reads_inside", "resolves_constants"]


async def _reset(dut: Any) -> None:
    dut.clk.value, dut.rst.value, dut.add.value = 0, 1, 0
    await Timer(1, "ns")
    Clock(dut.clk, 10, unit="ns").start(start_high=False)
    await FallingEdge(dut.clk)
    await FallingEdge(dut.clk)
    dut.rst.value = 0


@cocotb.test()
async def accumulates(dut: Any) -> None:
    """The sum of what was added, and the number of words that the environment asks for."""
    words = range(-3, int(os.environ.get("WORDS", "10")))
    await _reset(dut)
    for word in words:
        dut.add.value = word
        await FallingEdge(dut.clk)
    assert dut.total.value.to_signed() == sum(words)
    print(f"words {len(words)}")


@cocotb.test()
async def reads_inside(dut: Any) -> None:
    """A register that is not a port."""
    await _reset(dut)
    start = dut.count.value.to_unsigned()
    await FallingEdge(dut.clk)
    assert dut.count.value.to_unsigned() == start + 1


@cocotb.test()
async def resolves_constants(dut: Any) -> None:
    """An output that depends on nothing that ever changes."""
    await _reset(dut)
    assert dut.constant.value.to_unsigned() == 5


@cocotb.test()
async def fails(dut: Any) -> None:
    """A wrong expectation."""
    await _reset(dut)
    assert dut.total.value.to_signed() == 12345


@cocotb.test()
async def crashes(dut: Any) -> None:
    """The simulator is gone before cocotb has written a result."""
    os._exit(3)


@cocotb.test()
async def hangs(dut: Any) -> None:
    """Never ends."""
    await _reset(dut)
    while True:
        await FallingEdge(dut.clk)
