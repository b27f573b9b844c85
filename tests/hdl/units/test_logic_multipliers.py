"""Products made of adders."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.hdl import signed

from hdl.units.logic_multipliers import LogicMultipliers
from hdl.units.multipliers import MultiplierPort
from tests.helpers.streams import run, seed


def test_products() -> None:
    draw = random.Random(seed())
    unit = LogicMultipliers(MultiplierPort(3, 1, signed(18), signed(14)))
    ends = (-(1 << 17), -1, 0, 1, (1 << 17) - 1)
    cases = [(a, b) for a in ends for b in (0, 1, 0x1000, (1 << 13) - 1)]
    cases += [(draw.randrange(-(1 << 17), 1 << 17), draw.randrange(1 << 13)) for _ in range(300)]

    async def bench(ctx: Any) -> None:
        for a, b in cases:
            rows = [(a, b), (b, b), (-a - 1, b)]
            for row, (x, y) in enumerate(rows):
                ctx.set(unit.port.a[row][0], x)
                ctx.set(unit.port.b[row][0], y)
            for _ in range(LogicMultipliers.LATENCY):
                await ctx.tick()
            for row, (x, y) in enumerate(rows):
                assert ctx.get(unit.port.results[row][0]) == ctx.get(unit.port.sums[row]) == x * y

    run(unit, bench)


def test_columns() -> None:
    with pytest.raises(ValueError, match=r"^port must have one column, not 2$"):
        LogicMultipliers(MultiplierPort(3, 2))
