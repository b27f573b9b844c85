"""Batches that do not end by themselves are ended, in time, and those that do are left alone."""

from __future__ import annotations

from typing import Any

import pytest

from hdl.registers.batch_runner import BatchRunner
from tests.helpers.barrel_designs import barrel_config
from tests.helpers.streams import run

PATIENCE = 16
FAULTS = ("illegal_batch", "busy", "time_out", "miscounted")


def runner() -> BatchRunner:
    return BatchRunner(barrel_config(), PATIENCE)


async def start(ctx: Any, unit: BatchRunner, count: int = 2, limit: int = 3) -> None:
    """Start a batch; the core has not accepted it yet."""
    ctx.set(unit.batch, {"seed": 7, "count": count, "temperature": 0x80, "limit": limit})
    ctx.set(unit.start, 1)
    await ctx.tick()
    ctx.set(unit.start, 0)
    assert ctx.get(unit.waiting) == ctx.get(unit.core.batch.valid) == 1
    assert ctx.get(unit.core.batch.p.seed) == 7


async def accept(ctx: Any, unit: BatchRunner) -> None:
    """Accept it, and be busy from then on."""
    ctx.set(unit.core.batch.ready, 1)
    await ctx.tick()
    ctx.set(unit.core.batch.ready, 0)
    ctx.set(unit.core.busy, 1)


async def result(ctx: Any, unit: BatchRunner, last: int) -> None:
    ctx.set(unit.core.result.p, {"token": 5, "last": last})
    ctx.set(unit.core.result.valid, 1)
    await ctx.tick()
    ctx.set(unit.core.result.valid, 0)


def faults(ctx: Any, unit: BatchRunner) -> list[str]:
    return [name for name in FAULTS if ctx.get(getattr(unit, name))]


async def expect_the_end(ctx: Any, unit: BatchRunner, fault: str) -> None:
    """A fault in this cycle, a clear in the next, and rest."""
    assert (faults(ctx, unit), ctx.get(unit.core.clear)) == ([fault], 0)
    await ctx.tick()
    assert (faults(ctx, unit), ctx.get(unit.core.clear)) == ([], 1)
    ctx.set(unit.core.busy, 0)
    await ctx.tick()
    assert (ctx.get(unit.left), ctx.get(unit.core.clear), ctx.get(unit.done)) == (0, 0, 1)
    await ctx.tick().repeat(2 * PATIENCE)
    assert faults(ctx, unit) == []


@pytest.mark.parametrize("accepts", [False, True])
def test_a_core_that_does_nothing(accepts: bool) -> None:
    """It does not take the batch, or makes no step."""
    unit = runner()

    async def bench(ctx: Any) -> None:
        for _ in range(2):
            await start(ctx, unit)
            if accepts:
                await accept(ctx, unit)
            for _ in range(PATIENCE - accepts):
                assert (ctx.get(unit.working), faults(ctx, unit)) == (1, [])
                await ctx.tick()
            await expect_the_end(ctx, unit, "time_out")

    run(unit, bench)


def test_steps_in_time() -> None:
    """However long the batch, no step in it takes too long; then it ends, and the last token stays."""
    unit = runner()

    async def bench(ctx: Any) -> None:
        await start(ctx, unit, count=3)
        await accept(ctx, unit)
        for left, last in ((3, 0), (3, 1), (2, 0), (2, 0), (2, 1), (1, 1)):
            assert ctx.get(unit.left) == left
            # The batch has waited a cycle before the first of them.
            await ctx.tick().repeat(PATIENCE - 2)
            assert faults(ctx, unit) == []
            await result(ctx, unit, last)
        ctx.set(unit.core.busy, 0)
        assert (ctx.get(unit.left), ctx.get(unit.done), ctx.get(unit.last_token)) == (0, 1, 5)
        await ctx.tick().repeat(2 * PATIENCE)
        assert faults(ctx, unit) == []

    run(unit, bench)


@pytest.mark.parametrize("kind", ["a name too many", "a step of no name", "a name that is missing"])
def test_other_names_than_were_asked_for(kind: str) -> None:
    unit = runner()

    async def bench(ctx: Any) -> None:
        await start(ctx, unit)
        await accept(ctx, unit)
        await result(ctx, unit, 1)
        assert (ctx.get(unit.left), faults(ctx, unit)) == (1, [])
        if kind == "a name that is missing":
            ctx.set(unit.core.busy, 0)
        else:
            await result(ctx, unit, 1)
            assert faults(ctx, unit) == []
            ctx.set(unit.core.result.p.last, kind == "a name too many")
            ctx.set(unit.core.result.valid, 1)
        assert faults(ctx, unit) == ["miscounted"]
        await ctx.tick()
        ctx.set(unit.core.result.valid, 0)
        assert ctx.get(unit.core.clear) == 1
        ctx.set(unit.core.busy, 0)
        await ctx.tick()
        assert (ctx.get(unit.left), ctx.get(unit.done), faults(ctx, unit)) == (0, 1, [])

    run(unit, bench)


def test_commands() -> None:
    """An illegal batch, one that is refused since another waits, and a clear in the cycle of a fault."""
    unit = runner()

    async def bench(ctx: Any) -> None:
        assert ctx.get(unit.ready) == 1
        for illegal in ({"count": 0}, {"limit": 0}, {"limit": unit.config.model.block_size}):
            await start(ctx, unit, **illegal)
            ctx.set(unit.core.batch.ready, 1)
            assert faults(ctx, unit) == ["illegal_batch"]
            await ctx.tick()
            ctx.set(unit.core.batch.ready, 0)
            assert (ctx.get(unit.left), ctx.get(unit.done), faults(ctx, unit)) == (0, 1, [])
        await start(ctx, unit)
        ctx.set(unit.start, 1)
        ctx.set(unit.batch.seed, 8)
        assert (faults(ctx, unit), ctx.get(unit.begun)) == (["busy"], 0)
        await ctx.tick()
        assert ctx.get(unit.core.batch.p.seed) == 7
        ctx.set(unit.clear, 1)
        assert (faults(ctx, unit), ctx.get(unit.begun), ctx.get(unit.core.clear)) == ([], 1, 1)
        await ctx.tick()
        ctx.set(unit.clear, 0)
        ctx.set(unit.start, 0)
        assert (ctx.get(unit.waiting), ctx.get(unit.core.batch.p.seed)) == (1, 8)
        await ctx.tick().repeat(PATIENCE)
        assert faults(ctx, unit) == ["time_out"]
        ctx.set(unit.clear, 1)
        assert faults(ctx, unit) == []
        await ctx.tick()
        ctx.set(unit.clear, 0)
        assert (ctx.get(unit.ready), ctx.get(unit.core.clear)) == (1, 0)

    run(unit, bench)


@pytest.mark.parametrize("patience", [0, -1, 3, 48])
def test_patience_is_a_power_of_two(patience: int) -> None:
    with pytest.raises(ValueError, match=rf"^patience must be a power of two, not {patience}$"):
        BatchRunner(barrel_config(), patience)
