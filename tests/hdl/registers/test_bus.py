"""The end of the bus: latencies, order, and resets."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.hdl import ClockDomain, Module, Signal
from amaranth.sim import Simulator

from hdl.registers.bus import RegisterBus
from tests.helpers.streams import CLOCK_PERIOD, run, seed


async def _accept(ctx: Any, bus: Any, **values: int) -> int:
    """Offer an access until it is accepted; return the cycles that took, one if it was at once."""
    for name, value in values.items():
        ctx.set(getattr(bus, name), value)
    cycles = 1
    while ctx.get(bus.waitrequest):
        cycles += 1
        await ctx.tick()
    await ctx.tick()
    ctx.set(bus.read, 0)
    ctx.set(bus.write, 0)
    return cycles


@pytest.mark.parametrize("held", [0, 1, 5])
def test_latency_of_a_read(held: int) -> None:
    """LATENCY and what it is held; executed once, in the cycle before the answer."""
    unit = RegisterBus()
    bus = unit.bus

    async def bench(ctx: Any) -> None:
        assert await _accept(ctx, bus, read=1, address=0x104) == 1
        for cycle in range(held):
            ctx.set(unit.hold, 1)
            ctx.set(unit.answer, 0xBAD)
            assert (ctx.get(unit.execute), ctx.get(bus.readdatavalid), ctx.get(bus.waitrequest)) == (0, 0, 1), cycle
            assert ctx.get(unit.access.word) == 0x41
            await ctx.tick()
        ctx.set(unit.hold, 0)
        ctx.set(unit.answer, 0x600D)
        assert (ctx.get(unit.execute), ctx.get(bus.readdatavalid), ctx.get(bus.waitrequest)) == (1, 0, 1)
        assert not ctx.get(unit.written)
        await ctx.tick()
        ctx.set(unit.answer, 0xBAD)
        assert (ctx.get(unit.execute), ctx.get(bus.readdatavalid), ctx.get(bus.waitrequest)) == (0, 1, 0)
        assert ctx.get(bus.readdata) == 0x600D
        await ctx.tick()
        assert (ctx.get(unit.execute), ctx.get(bus.readdatavalid), ctx.get(bus.waitrequest)) == (0, 0, 0)

    assert RegisterBus.LATENCY == 2
    run(unit, bench)


def test_an_access_a_cycle() -> None:
    """Writes are taken in every cycle, an access after a read in the cycle of its answer."""
    unit = RegisterBus()

    async def bench(ctx: Any) -> None:
        executed = []
        for index in range(8):
            cycles = await _accept(ctx, unit.bus, write=1, read=0, address=4 * index, writedata=index, byteenable=index)
            assert cycles == 1
            assert (ctx.get(unit.execute), ctx.get(unit.written)) == (1, 1)
            executed.append([ctx.get(unit.access[name]) for name in ("word", "write", "data", "enables")])
        assert executed == [[index, 1, index, index] for index in range(8)]
        assert [await _accept(ctx, unit.bus, read=1, address=0) for _ in range(4)] == [1, 2, 2, 2]

    run(unit, bench)


def test_resets() -> None:
    """A reset neither loses an access nor adds one, nor changes its answer."""
    draw = random.Random(seed())
    unit, top, domain, toggle = RegisterBus(), Module(), ClockDomain("sync"), Signal()
    top.domains.sync = domain
    top.submodules.unit = unit
    top.d.sync += toggle.eq(~toggle)
    bus = unit.bus

    async def bench(ctx: Any) -> None:
        for index in range(200):
            ctx.set(domain.rst, draw.random() < 0.5)
            await _accept(ctx, bus, read=1, address=4 * index)
            for _ in range(draw.choice((0, 0, 1, 3))):
                ctx.set(unit.hold, 1)
                ctx.set(domain.rst, draw.random() < 0.5)
                await ctx.tick()
            ctx.set(unit.hold, 0)
            ctx.set(domain.rst, draw.random() < 0.5)
            ctx.set(unit.answer, index)
            assert ctx.get(unit.execute)
            assert ctx.get(unit.access.word) == index
            await ctx.tick()
            ctx.set(domain.rst, draw.random() < 0.5)
            assert ctx.get(bus.readdatavalid)
            assert ctx.get(bus.readdata) == index

    simulator = Simulator(top)
    simulator.add_clock(CLOCK_PERIOD)
    simulator.add_testbench(bench)
    simulator.run()
