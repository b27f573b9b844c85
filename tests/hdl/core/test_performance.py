"""Performance counters against a count in Python."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

from hdl.core.interface import Stage
from hdl.core.performance import PerformanceCounters
from tests.helpers.streams import run, seed


def test_counters() -> None:
    draw = random.Random(seed())
    unit = PerformanceCounters()
    cycles, steps, letters = 0, 0, 0
    stages: Counter[Stage] = Counter()

    async def bench(ctx: Any) -> None:
        nonlocal cycles, steps, letters
        for cycle in range(2000):
            clear, busy = draw.random() < 0.02, draw.random() < 0.8
            step, letter, stage = draw.random() < 0.2, draw.random() < 0.2, draw.choice(list(Stage))
            ctx.set(unit.clear, clear)
            ctx.set(unit.busy, busy)
            ctx.set(unit.step, step)
            ctx.set(unit.letter, letter)
            ctx.set(unit.stage, stage)
            await ctx.tick()
            cycles, steps, letters = cycles + busy, steps + step, letters + letter
            stages[stage] += busy
            if clear:
                cycles = steps = letters = 0
                stages.clear()
            found = [ctx.get(unit.counters[name]) for name in ("cycles", "steps", "letters")]
            assert found == [cycles, steps, letters], f"cycle {cycle}: {found}, not {[cycles, steps, letters]}"
            for one in Stage:
                got = ctx.get(unit.counters.stages[one.value])
                assert got == stages[one], f"cycle {cycle}: {one.name} must be {stages[one]}, not {got}"
            assert ctx.get(unit.counters.cycles) == sum(ctx.get(unit.counters.stages[s.value]) for s in Stage)

    run(unit, bench)
