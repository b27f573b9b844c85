"""The last six letters: filled from the left, then moving on."""

from __future__ import annotations

import random
from typing import Any

from hdl.registers.character_window import BLANK, DISPLAYS, CharacterWindow
from tests.helpers.streams import run, seed


def test_against_a_list() -> None:
    draw = random.Random(seed())
    unit = CharacterWindow()
    shown: list[int] = []

    async def bench(ctx: Any) -> None:
        nonlocal shown
        for _ in range(2000):
            clear, push = draw.random() < 0.05, draw.random() < 0.7
            character = draw.choice((draw.randrange(BLANK), BLANK, draw.randrange(256)))
            ctx.set(unit.clear, clear)
            ctx.set(unit.push, push)
            ctx.set(unit.character, character)
            await ctx.tick()
            if clear:
                shown = []
            elif push and character < BLANK:
                shown = [*shown, character][-DISPLAYS:]
            row = [ctx.get(unit.characters[index]) for index in reversed(range(DISPLAYS))]
            assert row == shown + [BLANK] * (DISPLAYS - len(shown))

    run(unit, bench)
