"""Streams in Amaranth's simulator: producers and consumers that stall at random, and measured latencies."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator

__all__ = ["CLOCK_PERIOD", "seed", "put", "get", "run", "transfer", "latencies", "assert_equal"]

CLOCK_PERIOD = 1 / 56.25e6
"""Seconds; simulated units do not depend on it."""


def seed() -> int:
    """Return the seed of this run, printed for pytest to show where a test fails; TALOS_TEST_SEED repeats one."""
    value = int(os.environ.get("TALOS_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"TALOS_TEST_SEED={value}")
    return value


async def put(ctx: Any, stream: Any, payloads: Iterable[Any], stall: Callable[[], bool] = lambda: False) -> None:
    """Offer every payload in order; before each, wait while ``stall()``."""
    for payload in payloads:
        while stall():
            await ctx.tick()
        ctx.set(stream.payload, payload)
        ctx.set(stream.valid, 1)
        await ctx.tick().until(stream.ready)
        ctx.set(stream.valid, 0)


async def get(
    ctx: Any, stream: Any, count: int, read: Callable[[Any], Any], stall: Callable[[], bool] = lambda: False
) -> list[Any]:
    """Take ``count`` transfers and return ``read(payload)`` of each; before each, be not ready while ``stall()``."""
    taken = []
    for _ in range(count):
        while stall():
            await ctx.tick()
        ctx.set(stream.ready, 1)
        (payload,) = await ctx.tick().sample(stream.payload).until(stream.valid)
        ctx.set(stream.ready, 0)
        taken.append(read(payload))
    return taken


def run(component: Any, *testbenches: Callable[[Any], Any]) -> None:
    """Simulate ``component`` with the testbenches until all of them have ended."""
    m = Module()
    m.submodules.component = component
    # A component without registers has no clock of its own.
    toggle = Signal()
    m.d.sync += toggle.eq(~toggle)
    simulator = Simulator(m)
    simulator.add_clock(CLOCK_PERIOD)
    for testbench in testbenches:
        simulator.add_testbench(testbench)
    simulator.run()


def transfer(
    component: Any,
    payloads: Sequence[Any],
    read: Callable[[Any], Any] = int,
    *,
    stalls: random.Random | None = None,
    prepare: Callable[[Any], Any] | None = None,
) -> list[Any]:
    """Return what ``component`` answers on ``o`` to every payload on ``i``.

    Both sides are always willing, or with ``stalls`` pause at random. ``prepare(ctx)`` runs before the first payload.
    """
    answers: list[Any] = []

    def stall() -> bool:
        return stalls is not None and stalls.random() < 0.5

    async def producer(ctx: Any) -> None:
        if prepare is not None:
            await prepare(ctx)
        await put(ctx, component.i, payloads, stall)

    async def consumer(ctx: Any) -> None:
        answers.extend(await get(ctx, component.o, len(payloads), read, stall))

    run(component, producer, consumer)
    return answers


def latencies(
    component: Any, payloads: Sequence[Any], prepare: Callable[[Any], Any] | None = None
) -> tuple[list[int], list[int]]:
    """Return (cycles from an offer to its answer, cycles between answers) with both sides always willing.

    An offer counts from the first cycle in which ``i.valid`` is 1 and no earlier answer is outstanding, or from the
    cycle that accepts it if that is sooner.
    """
    offered: list[int] = []
    answered: list[int] = []
    cycle = 0

    async def bench(ctx: Any) -> None:
        nonlocal cycle
        if prepare is not None:
            await prepare(ctx)
        ctx.set(component.o.ready, 1)
        waiting = list(payloads)
        fresh = True
        while len(answered) < len(payloads):
            if waiting:
                ctx.set(component.i.payload, waiting[0])
            ctx.set(component.i.valid, bool(waiting))
            if ctx.get(component.o.valid):
                answered.append(cycle)
            if waiting and fresh and len(offered) == len(answered):
                offered.append(cycle)
                fresh = False
            if waiting and ctx.get(component.i.ready):
                if fresh:
                    offered.append(cycle)
                waiting.pop(0)
                fresh = True
            await ctx.tick()
            cycle += 1

    run(component, bench)
    spans = [end - start for start, end in zip(offered, answered, strict=True)]
    return spans, [after - before for before, after in pairwise(answered)]


def assert_equal(actual: Sequence[Any], expected: Sequence[Any], inputs: Sequence[Any]) -> None:
    """Fail with index, input, expected and actual value at the first mismatch."""
    assert len(actual) == len(expected), f"expected {len(expected)} values, not {len(actual)}"
    for index, (got, want, given) in enumerate(zip(actual, expected, inputs, strict=True)):
        assert got == want, f"at {index}: expected {want!r}, not {got!r}, for input {given!r}"
