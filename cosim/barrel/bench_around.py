"""Bench of everything around a batch: stalls, refills, clear and reset, few names, limits, illegal batches, seed 0."""

from __future__ import annotations

import random
from typing import Any

import cocotb

from cosim.barrel.batch import Batch
from cosim.barrel.cocotb_bench import bench
from cosim.barrel.testbench import BarrelBench

__all__ = ["abandoned", "few", "illegal", "mixed", "seeds_around_zero", "slow_consumer"]

_TEMPERATURES = (0, 0x0F, 0x10, 0x40, 0x80, 0x100, 0x400, 0x1000, 0x1001, 0xFFFF)
"""UQ8.8: beyond the sampler's range, too, where it draws at the nearer end."""


def _batches(tb: BarrelBench, draw: random.Random, count: int) -> list[Batch]:
    """Return batches of every temperature and of every limit, of seeds over all 32 bits."""
    longest = tb.design.model.max_letters
    return [
        Batch(
            seed=draw.getrandbits(32),
            count=draw.randint(1, 2 * tb.design.core.streams),
            temperature=_TEMPERATURES[index % len(_TEMPERATURES)],
            limit=draw.choice((longest, longest, 1 + index % longest)),
        )
        for index in range(count)
    ]


def _generator() -> random.Random:
    """Return a generator of the seed that cocotb was given, and prints."""
    return random.Random(cocotb.RANDOM_SEED)


@cocotb.test()
async def mixed(dut: Any) -> None:
    """Batches that follow each other, so that streams of several limits and temperatures run side by side."""
    async with bench(dut) as tb:
        draw = _generator()
        await tb.run(_batches(tb, draw, 4 if tb.config.short else 14))
        # The next ones while the streams of the one before still run, or are all idle.
        for gap in (1, 30) if tb.config.short else (1, 7, 30, 200):
            await tb.run(_batches(tb, draw, 3), gap)


@cocotb.test()
@cocotb.parametrize(ready=[0.6, 0.03])
async def slow_consumer(dut: Any, ready: float) -> None:
    """Results that are taken late stop the streams one by one, and change nothing."""
    async with bench(dut) as tb:
        draw = _generator()
        tb.stall(ready, draw.getrandbits(32))
        await tb.run(_batches(tb, draw, 2 if tb.config.short else 6))


@cocotb.test()
async def few(dut: Any) -> None:
    """One name, and fewer names than streams, and exactly as many."""
    async with bench(dut) as tb:
        streams, limit = tb.design.core.streams, tb.design.model.max_letters
        for count in (1, 2, streams - 1, streams, streams + 1):
            counted = await tb.run([Batch(seed=100 * count, count=count, temperature=0x100, limit=limit)])
            if counted["steps"] < count:
                raise tb.checker.mismatch(None, 0, "steps", f"at least {count}", counted["steps"])


@cocotb.test()
@cocotb.parametrize(how=["clear", "rst"])
async def abandoned(dut: Any, how: str) -> None:
    """``clear`` or ``rst`` in any cycle, with a batch waiting or not, leaves a core like new."""
    async with bench(dut) as tb:
        draw, limit = _generator(), tb.design.model.max_letters
        times = [draw.randrange(200) for _ in range(8)]
        for index, cycles in enumerate(times[:2] if tb.config.short else [0, 1, 2, 3, *times]):
            if index == 5:
                tb.stall(0.3, draw.getrandbits(32))
            await tb.send(Batch(seed=draw.getrandbits(32), count=30, temperature=0x400, limit=limit))
            await tb.idle(cycles)
            await tb.abandon(how)
            await tb.run([Batch(seed=draw.getrandbits(32), count=3, temperature=0x100, limit=limit)])


@cocotb.test()
async def illegal(dut: Any) -> None:
    """An illegal batch raises ``error``, runs nothing, and the next one works."""
    async with bench(dut) as tb:
        limit = tb.design.model.max_letters
        legal = Batch(seed=9, count=3, temperature=0x80, limit=limit)
        refused = [Batch(seed=5, count=0, temperature=0x80, limit=limit)]
        refused += [Batch(seed=5, count=2, temperature=0x80, limit=0)]
        for batch in refused:
            await tb.refuse(batch)
            await tb.refuse(batch)
            await tb.run([legal])


@cocotb.test()
async def seeds_around_zero(dut: Any) -> None:
    """A random state of 0 would stay 0: hardware puts a fixed one in its place; after the last seed the first comes."""
    async with bench(dut) as tb:
        await tb.run([Batch(seed=0xFFFFFFFD, count=6, temperature=0x100, limit=tb.design.model.max_letters)])
