"""Names as lines: every letter of an alphabet, names of any length, and names that come too soon."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.sim import Simulator

from hdl.boards.parts.name_text import NameText
from tests.helpers.streams import CLOCK_PERIOD, seed

# Letters of 1, 2, 3 and 4 bytes.
SCRIPTS = "abz é ü あ 한 𝒳".replace(" ", "")
LETTERS = 6


async def say(ctx: Any, text: NameText, tokens: list[int], rng: random.Random) -> None:
    """Make a name, with pauses."""
    name = text.report
    for strobe, token in [(name.begin, 0), *((name.push, token) for token in tokens), (name.end, 0)]:
        while rng.random() < 0.3:
            await ctx.tick()
        ctx.set(name.token, token)
        ctx.set(strobe, 1)
        await ctx.tick()
        ctx.set(strobe, 0)


@pytest.mark.parametrize(("alphabet", "stall"), [("abcdefghijklmnopqrstuvwxyz", 0.0), (SCRIPTS, 0.7)])
def test_lines(alphabet: str, stall: float) -> None:
    rng = random.Random(seed())
    text, got = NameText(alphabet, letters=LETTERS), bytearray()
    names = [[rng.randrange(len(alphabet)) for _ in range(length)] for length in (0, LETTERS, 1, 3, LETTERS)]
    names += [[token] for token in range(len(alphabet))]

    async def listen(ctx: Any) -> None:
        while True:
            ready = rng.random() >= stall
            ctx.set(text.o.ready, ready)
            _, _, valid, byte = await ctx.tick().sample(text.o.valid, text.o.payload)
            if ready and valid:
                got.append(byte)

    async def bench(ctx: Any) -> None:
        for index, name in enumerate(names):
            await say(ctx, text, name, rng)
            while got.count(b"\n") <= index:
                await ctx.tick()
            await ctx.tick().repeat(3)

    simulator = Simulator(text)
    simulator.add_clock(CLOCK_PERIOD)
    simulator.add_testbench(listen, background=True)
    simulator.add_testbench(bench)
    simulator.run()
    assert got.decode() == "".join("".join(alphabet[token] for token in name) + "\r\n" for name in names)


def test_names_that_come_too_soon() -> None:
    """Nothing but whole names, in order, however the line stalls; a name that is too long is cut off."""
    rng = random.Random(seed())
    text, got = NameText("abc", letters=LETTERS), bytearray()
    names = [[rng.randrange(3) for _ in range(rng.randrange(LETTERS + 3))] for _ in range(200)]

    async def listen(ctx: Any) -> None:
        while True:
            ready = rng.random() < 0.2
            ctx.set(text.o.ready, ready)
            _, _, valid, byte = await ctx.tick().sample(text.o.valid, text.o.payload)
            if ready and valid:
                got.append(byte)

    async def bench(ctx: Any) -> None:
        for name in names:
            await say(ctx, text, name, rng)
        await ctx.tick().repeat(200)

    simulator = Simulator(text)
    simulator.add_clock(CLOCK_PERIOD)
    simulator.add_testbench(listen, background=True)
    simulator.add_testbench(bench)
    simulator.run()
    lines = got.decode().split("\r\n")
    assert lines.pop() == ""
    assert 20 < len(lines) < 200
    left = iter("".join("abc"[token] for token in name[:LETTERS]) for name in names)
    assert all(line in left for line in lines)


def test_refused() -> None:
    with pytest.raises(ValueError, match=r"^letters must be 1 to 256, not 0$"):
        NameText("ab", letters=0)
