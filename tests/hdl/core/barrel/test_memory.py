"""Queues: order, latency, throughput, and the full queue."""

from __future__ import annotations

import random
from typing import Any

import pytest

from hdl.core.barrel.memory import Queue
from tests.helpers.streams import get, put, run, seed


@pytest.mark.parametrize("depth", [1, 2, 8])
def test_everything_comes_out_in_order(depth: int) -> None:
    draw = random.Random(seed())
    queue = Queue(8, depth)
    sent = [draw.randrange(256) for _ in range(200)]
    taken: list[int] = []
    room = depth

    async def producer(ctx: Any) -> None:
        nonlocal room
        for value in sent:
            while room == 0 or draw.random() < 0.3:
                await ctx.tick()
            room -= 1
            await put(ctx, queue.i, [value])

    async def consumer(ctx: Any) -> None:
        nonlocal room
        for _ in sent:
            taken.extend(await get(ctx, queue.o, 1, int, lambda: draw.random() < 0.5))
            room += 1

    run(queue, producer, consumer)
    assert taken == sent


def test_latency_and_throughput() -> None:
    queue = Queue(8, 8)
    offered: list[tuple[int, int]] = []

    async def bench(ctx: Any) -> None:
        ctx.set(queue.o.ready, 1)
        for cycle in range(12):
            ctx.set(queue.i.valid, cycle < 5)
            ctx.set(queue.i.payload, 100 + cycle)
            if ctx.get(queue.o.valid):
                offered.append((cycle, ctx.get(queue.o.payload)))
            await ctx.tick()

    run(queue, bench)
    assert offered == [(cycle + Queue.LATENCY, 100 + cycle) for cycle in range(5)]


@pytest.mark.parametrize(
    ("depth", "error", "message"),
    [
        (3, ValueError, r"^depth must be a power of two, not 3$"),
        (0, ValueError, r"^depth must be 1 to 65536, not 0$"),
        (2.0, TypeError, r"^depth must be an integer, not 2\.0$"),
    ],
)
def test_depths(depth: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Queue(8, depth)
