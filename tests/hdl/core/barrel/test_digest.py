"""The digest circuit against the golden digest."""

from __future__ import annotations

import random
from typing import Any

from hdl.core.barrel.digest import Digest
from talos_ref.golden.digest import add_steps
from tests.helpers.barrel_designs import SMALL, barrel_config
from tests.helpers.streams import run, seed


def test_digest() -> None:
    draw = random.Random(seed())
    unit = Digest(barrel_config())
    steps = [(draw.getrandbits(32), draw.randrange(SMALL.block_size), draw.randrange(SMALL.vocab_size))
             for _ in range(40)]  # fmt: skip
    steps += [(1 << bit, 0, 0) for bit in range(32)] + [(0xFFFFFFFF, 5, 6), (0, 0, 0)]

    async def bench(ctx: Any) -> None:
        for clear in (0, 1):
            ctx.set(unit.clear, clear)
            await ctx.tick()
            ctx.set(unit.clear, 0)
            for index, step in enumerate(steps, start=1):
                for name, value in zip(("seed", "position", "token"), step, strict=True):
                    ctx.set(getattr(unit, name), value)
                ctx.set(unit.valid, 1)
                await ctx.tick()
                ctx.set(unit.valid, 0)
                assert ctx.get(unit.busy)
                await ctx.tick().repeat(Digest.LATENCY - 1)
                assert not ctx.get(unit.busy)
                assert ctx.get(unit.digest) == add_steps(0, steps[:index]), step
                if draw.random() < 0.3:
                    await ctx.tick()

    run(unit, bench)
