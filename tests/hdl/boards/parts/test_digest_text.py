"""Batches as lines, and those that come too soon; their digest on displays."""

from __future__ import annotations

import random
from typing import Any

import pytest

from hdl.boards.parts.digest_display import DigestDisplay
from hdl.boards.parts.digest_text import DigestText, digest_line
from hdl.boards.parts.hex_display import segments
from tests.helpers.streams import run, seed


def test_a_line() -> None:
    assert digest_line(1025, 0x995A9307) == b"seed 0x00000401, 1024 names, digest 995a9307\r\n"


@pytest.mark.parametrize("stall", [0.0, 0.6])
def test_lines(stall: float) -> None:
    rng, text, got = random.Random(seed()), DigestText(), bytearray()
    batches = [(rng.getrandbits(32), rng.getrandbits(32)) for _ in range(4)]

    async def report(ctx: Any, batch: tuple[int, int]) -> None:
        ctx.set(text.report.seed, batch[0])
        ctx.set(text.report.digest, batch[1])
        ctx.set(text.report.valid, 1)
        await ctx.tick()
        ctx.set(text.report.valid, 0)

    async def bench(ctx: Any) -> None:
        for batch in batches:
            await report(ctx, batch)
            await ctx.tick().repeat(1 + rng.randrange(5))
            # Too soon.
            await report(ctx, (0, 0))
            while ctx.get(text.o.valid):
                ready = rng.random() >= stall
                ctx.set(text.o.ready, ready)
                if ready:
                    got.append(ctx.get(text.o.payload))
                await ctx.tick()
            ctx.set(text.o.ready, 0)

    run(text, bench)
    assert bytes(got) == b"".join(digest_line(*batch) for batch in batches)


def test_the_display() -> None:
    display = DigestDisplay()

    async def bench(ctx: Any) -> None:
        for digest in (0x12345678, 0x9ABCDEF0, 0xFFFFFFFF):
            ctx.set(display.commands.digest, digest)
            await ctx.tick()
            shown = [ctx.get(display.digits[place]) for place in reversed(range(6))]
            assert shown == [segments(digit) for digit in f"{digest:08x}"[2:]]

    run(display, bench)
    assert len({segments(f"{value:x}") for value in range(16)}) == 16
    with pytest.raises(ValueError, match=r"^displays must be 1 to 8, not 9$"):
        DigestDisplay(displays=9)
