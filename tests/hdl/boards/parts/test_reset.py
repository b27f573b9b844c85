"""The board's reset: on from the start, released by the lock and the switch together, never by the switch alone."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Module, ResetSignal, Signal
from amaranth.sim import Simulator

from hdl.boards.parts.reset import BoardReset


def test_reset() -> None:
    m = Module()
    m.domains.sync = ClockDomain()
    m.submodules.unit = unit = BoardReset()
    reset, clock = unit.reset, Signal()
    m.d.comb += [ClockSignal().eq(clock), ResetSignal().eq(reset)]

    async def ticks(ctx: Any, count: int) -> None:
        for _ in range(count):
            ctx.set(clock, 1)
            await ctx.delay(1e-8)
            ctx.set(clock, 0)
            await ctx.delay(1e-8)

    async def testbench(ctx: Any) -> None:
        assert ctx.get(reset) == 1, "reset holds before the first clock edge"
        await ticks(ctx, 10)
        assert (ctx.get(reset), ctx.get(unit.restart)) == (1, 1), "and as long as there is no lock"
        ctx.set(unit.locked, 1)
        await ticks(ctx, 4)
        assert (ctx.get(reset), ctx.get(unit.restart)) == (0, 0)

        ctx.set(unit.reset_switch, 1)
        await ticks(ctx, 2)
        assert ctx.get(reset) == 0, "the switch goes through two registers first"
        await ticks(ctx, 2)
        assert (ctx.get(reset), ctx.get(unit.restart)) == (1, 0), "the switch does not restart the bus"
        ctx.set(unit.reset_switch, 0)
        await ticks(ctx, 4)
        assert ctx.get(reset) == 0

        ctx.set(unit.enable_switch, 1)
        await ticks(ctx, 1)
        assert ctx.get(unit.enable) == 0
        await ticks(ctx, 1)
        assert ctx.get(unit.enable) == 1

        ctx.set(unit.locked, 0)
        await ctx.delay(1e-9)
        assert ctx.get(unit.restart) == 1, "without a clock edge"
        await ticks(ctx, 1)
        assert ctx.get(reset) == 1
        ctx.set(unit.locked, 1)
        await ticks(ctx, 4)
        assert (ctx.get(reset), ctx.get(unit.restart)) == (0, 0)

    simulator = Simulator(m)
    simulator.add_testbench(testbench)
    simulator.run()
