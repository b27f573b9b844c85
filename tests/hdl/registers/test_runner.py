"""A request that does not end is ended, in time, and the next one finds the machine at rest."""

from __future__ import annotations

from typing import Any

import pytest

from hdl.registers.runner import Runner
from talos_ref.golden.format import Q4_12
from talos_ref.model.config import MICROGPT
from tests.helpers.streams import run

PATIENCE = 16


async def start(ctx: Any, runner: Runner, command: str) -> None:
    ctx.set(runner.settings.limit, 3)
    ctx.set(runner.settings.direct.enable, 1)
    ctx.set(getattr(runner, command), 1)
    await ctx.tick()
    ctx.set(getattr(runner, command), 0)


@pytest.mark.parametrize("command", ["start", "step"])
@pytest.mark.parametrize("accepts", [0, 1])
def test_a_core_that_does_not_answer(command: str, accepts: int) -> None:
    """Neither to the request, nor with a result."""
    runner = Runner(MICROGPT, Q4_12, PATIENCE)

    async def bench(ctx: Any) -> None:
        for _ in range(2):
            await start(ctx, runner, command)
            ctx.set(runner.core.request.ready, accepts)
            for _ in range(PATIENCE):
                assert (ctx.get(runner.working), ctx.get(runner.time_out)) == (1, 0)
                await ctx.tick()
            assert (ctx.get(runner.working), ctx.get(runner.time_out)) == (1, 1)
            await ctx.tick()
            assert (ctx.get(runner.done), ctx.get(runner.time_out), ctx.get(runner.core.clear)) == (1, 0, 1)
            await ctx.tick()
            assert (ctx.get(runner.done), ctx.get(runner.core.clear)) == (1, 0)

    run(runner, bench)


@pytest.mark.parametrize("late", [0, 1])
def test_a_result_in_the_last_cycle(late: int) -> None:
    """What ends in time is no fault, and what comes later is nothing."""
    runner = Runner(MICROGPT, Q4_12, PATIENCE)

    async def bench(ctx: Any) -> None:
        await start(ctx, runner, "start")
        ctx.set(runner.core.request.ready, 1)
        await ctx.tick().repeat(PATIENCE - 2 + late)
        ctx.set(runner.core.result.p, {"token_out": 5, "last": 1})
        ctx.set(runner.core.result.valid, 1)
        await ctx.tick()
        ctx.set(runner.core.result.valid, 0)
        assert ctx.get(runner.time_out) == late
        await ctx.tick().repeat(2)
        assert (ctx.get(runner.done), ctx.get(runner.last.token), ctx.get(runner.time_out)) == (1, 5, 0)

    run(runner, bench)


def test_a_start_in_the_cycle_of_the_end() -> None:
    """A clear there goes before all else, and is no time-out."""
    runner = Runner(MICROGPT, Q4_12, PATIENCE)

    async def bench(ctx: Any) -> None:
        await start(ctx, runner, "start")
        await ctx.tick().repeat(PATIENCE)
        assert ctx.get(runner.time_out) == 1
        ctx.set(runner.clear, 1)
        assert ctx.get(runner.time_out) == 0
        await ctx.tick()
        assert (ctx.get(runner.ready), ctx.get(runner.core.clear)) == (1, 1)

    run(runner, bench)


@pytest.mark.parametrize("patience", [0, -1, 3, 48])
def test_patience_is_a_power_of_two(patience: int) -> None:
    with pytest.raises(ValueError, match=rf"^patience must be a power of two, not {patience}$"):
        Runner(MICROGPT, Q4_12, patience)
