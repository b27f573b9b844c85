"""Embeddings: every token at every position, saturating, and kept without ``enable``."""

from __future__ import annotations

import random
from typing import Any

from hdl.units.embedding import Embedding
from talos_ref.golden.arithmetic import precise
from talos_ref.golden.format import Q4_12
from talos_ref.model.checkpoint import Checkpoint, quantise
from tests.helpers.streams import run, seed

Table = list[list[int]]


def check(wte: Table, wpe: Table, draw: random.Random) -> None:
    """Read all pairs in any order, each kept for some cycles while the address moves on."""
    unit = Embedding(wte, wpe, Q4_12)
    pairs = [(token, position) for token in range(len(wte)) for position in range(len(wpe))]
    draw.shuffle(pairs)

    async def bench(ctx: Any) -> None:
        for token, position in pairs:
            ctx.set(unit.token, token)
            ctx.set(unit.position, position)
            ctx.set(unit.enable, 1)
            await ctx.tick()
            for _ in range(draw.choice((0, 0, 0, 1, 2))):
                ctx.set(unit.enable, 0)
                ctx.set(unit.token, draw.randrange(len(wte)))
                ctx.set(unit.position, draw.randrange(len(wpe)))
                await ctx.tick()
            expected = [Q4_12.saturate(a + b) for a, b in zip(wte[token], wpe[position], strict=True)]
            got = [ctx.get(unit.x[lane]) for lane in range(len(expected))]
            assert got == expected, f"token {token}, position {position}: expected {expected}, not {got}"

    run(unit, bench)


def test_published_model(checkpoint: Checkpoint) -> None:
    words = quantise(checkpoint, precise(checkpoint.config).word)
    check(words["wte"].tolist(), words["wpe"].tolist(), random.Random(seed()))


def test_saturation() -> None:
    draw = random.Random(seed())

    def word() -> int:
        return draw.choice((-32768, 32767, 0, -1, 1, draw.randint(-32768, 32767)))

    check([[word() for _ in range(5)] for _ in range(7)], [[word() for _ in range(5)] for _ in range(3)], draw)


def test_latency() -> None:
    assert Embedding.LATENCY == 1
