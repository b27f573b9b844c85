"""The last characters: filled from the left, then moving on."""

from __future__ import annotations

import random
from typing import Any

import pytest

from hdl.boards.parts.character_window import CharacterWindow
from tests.helpers.streams import run, seed


@pytest.mark.parametrize(("displays", "width"), [(6, 7), (1, 3), (8, 5)])
def test_against_a_list(displays: int, width: int) -> None:
    draw = random.Random(seed())
    unit = CharacterWindow(displays=displays, width=width)
    shown: list[int] = []

    async def bench(ctx: Any) -> None:
        nonlocal shown
        for _ in range(600):
            clear, push = draw.random() < 0.05, draw.random() < 0.7
            character = draw.getrandbits(width)
            ctx.set(unit.clear, clear)
            ctx.set(unit.push, push)
            ctx.set(unit.character, character)
            await ctx.tick()
            if clear:
                shown = []
            elif push:
                shown = [*shown, character][-displays:]
            row = [ctx.get(unit.characters[index]) for index in reversed(range(displays))]
            assert row == shown + [0] * (displays - len(shown))

    run(unit, bench)


def test_refused() -> None:
    with pytest.raises(ValueError, match=r"^displays must be 1 to 64, not 0$"):
        CharacterWindow(displays=0, width=7)
    with pytest.raises(TypeError, match=r"^width must be an integer, not '7'$"):
        CharacterWindow(displays=6, width="7")  # type: ignore[arg-type]
