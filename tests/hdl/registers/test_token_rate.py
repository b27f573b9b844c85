"""Tokens a second: the product of letters and clock, divided exactly, in the promised time."""

from __future__ import annotations

import random
from typing import Any

import pytest

from hdl.registers.token_rate import TokenRate
from tests.helpers.streams import run, seed


def measure(
    unit: TokenRate, letters: int, cycles: int, *, last_with_finish: bool, abandon: int | None = None
) -> list[int]:
    """Return [rate, cycles of busy] of a request; with ``abandon`` of one that came after another was abandoned."""
    seen: list[int] = []

    async def strobe(ctx: Any, **values: int) -> None:
        for name, value in values.items():
            ctx.set(getattr(unit, name), value)
        await ctx.tick()
        for name in values:
            ctx.set(getattr(unit, name), 0)

    async def request(ctx: Any, letters: int, cycles: int) -> None:
        for _ in range(letters - last_with_finish):
            await strobe(ctx, letter=1)
        assert ctx.get(unit.rate) == ctx.get(unit.busy) == 0
        await strobe(ctx, letter=int(last_with_finish and letters > 0), finish=1)
        ctx.set(unit.cycles, cycles)

    async def bench(ctx: Any) -> None:
        if abandon is not None:
            await request(ctx, 3, 5)
            await ctx.tick().repeat(abandon)
            # A clear wins over what comes beside it.
            await strobe(ctx, clear=1, letter=1, finish=1)
            assert ctx.get(unit.rate) == ctx.get(unit.busy) == 0
        await request(ctx, letters, cycles)
        busy = 0
        while ctx.get(unit.busy):
            assert ctx.get(unit.rate) == 0
            busy += 1
            await ctx.tick()
        for _ in range(3):
            seen[:] = [ctx.get(unit.rate), busy]
            await ctx.tick()
            assert ctx.get(unit.rate) == seen[0]

    run(unit, bench)
    return seen


@pytest.mark.parametrize("clock_hz", [56_250_000, 1, 100_000_000])
def test_rates(clock_hz: int) -> None:
    draw = random.Random(seed())
    for letters in (0, 1, 5, 15):
        for cycles in (1, 2, clock_hz, 1782, draw.randrange(1, 10_000), 0xFFFFFFFF):
            unit = TokenRate(clock_hz=clock_hz, max_letters=15)
            found = measure(unit, letters, cycles, last_with_finish=draw.random() < 0.5)
            assert found == [letters * clock_hz // cycles & 0xFFFFFFFF, unit.LATENCY], (
                f"{letters} letters, {cycles} cycles"
            )


def test_after_an_abandoned_one() -> None:
    """In any cycle of its division, and after it."""
    for abandon in range(1, 35):
        unit = TokenRate(clock_hz=56_250_000, max_letters=15)
        assert measure(unit, 5, 1782, last_with_finish=False, abandon=abandon)[0] == 157_828


def test_parameters() -> None:
    with pytest.raises(ValueError, match=r"^clock_hz must be 1 to 1000000000, not 0$"):
        TokenRate(clock_hz=0, max_letters=15)
    with pytest.raises(TypeError, match=r"^clock_hz must be an integer, not 5.0$"):
        TokenRate(clock_hz=5.0, max_letters=15)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^max_letters must be 1 to 255, not 256$"):
        TokenRate(clock_hz=1, max_letters=256)


def test_the_largest_product() -> None:
    """More than a word, divided by all that a counter holds."""
    for cycles in (0xFFFFFFFF, 0x80000001, 3_000_000_000):
        unit = TokenRate(clock_hz=1_000_000_000, max_letters=255)
        assert measure(unit, 255, cycles, last_with_finish=True) == [255_000_000_000 // cycles, unit.LATENCY]
