"""Bench of direct mode: one token and position at a time from outside, over the whole cache."""

from __future__ import annotations

import random
from typing import Any

import cocotb

from cosim.core.cocotb_pins import bench
from cosim.core.request import name_request, step_request
from cosim.core.testbench import Testbench

__all__ = ["all_positions", "greedy_positions", "after_a_name", "step_again"]

_TEMPERATURES = (0x40, 0x80, 0x100, 0x200, 0x400)
_SHORT_POSITIONS = 6


def _positions(tb: Testbench) -> int:
    """Return the positions that most tests fill: the whole cache, or a few for a slow simulator."""
    block = tb.core.model.block_size
    return min(_SHORT_POSITIONS, block) if tb.config.short else block


async def _forced(tb: Testbench, generator: random.Random, first: int, count: int, *, greedy: bool = False) -> None:
    """Step ``count`` positions from ``first`` on with random tokens, seeds and temperatures."""
    for position in range(first, first + count):
        token = generator.randrange(tb.core.model.vocab_size)
        seed, temperature = generator.getrandbits(32), generator.choice(_TEMPERATURES)
        await tb.run(step_request(seed, temperature, token, position, greedy=greedy))


@cocotb.test()
async def all_positions(dut: Any) -> None:
    """Fill the cache with random tokens, BOS among them, three times over."""
    async with bench(dut) as tb:
        for seed in range(1 if tb.config.short else 3):
            await _forced(tb, random.Random(seed), 0, tb.core.model.block_size)


@cocotb.test()
async def greedy_positions(dut: Any) -> None:
    """A greedy step takes the argmax and leaves the random state alone."""
    async with bench(dut) as tb:
        await _forced(tb, random.Random(10), 0, _positions(tb), greedy=True)


@cocotb.test()
async def step_again(dut: Any) -> None:
    """An earlier position forgets itself and all that follow, wherever it lies."""
    async with bench(dut) as tb:
        generator, block = random.Random(20), _positions(tb)
        await _forced(tb, generator, 0, block)
        for position in (block - 1, 0) if tb.config.short else (block - 1, block // 2, block // 2, 1, 0):
            await _forced(tb, generator, position, min(3, block - position))


@cocotb.test()
async def after_a_name(dut: Any) -> None:
    """Direct steps go on where a name ended, and a name begins afresh after direct steps."""
    async with bench(dut) as tb:
        generator, limit = random.Random(30), tb.core.model.max_letters
        for seed in (1,) if tb.config.short else (1, 2, 3):
            counted = await tb.run(name_request(seed, 0x80, limit))
            steps = len(counted.step_cycles)
            await _forced(tb, generator, steps, min(2, tb.core.model.block_size - steps))
