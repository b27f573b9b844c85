"""The scrubber over ROMs of several shapes: passes, interruptions, every flipped bit, and a word that is skipped."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl.units.lent_rom import LentRom, lent_address, lent_enable, lent_words, show
from hdl.units.memory_ports import read_port
from hdl.units.rom_scrubber import RomScrubber
from tests.helpers.roms import Storage, simulated
from tests.helpers.streams import seed

SHAPES = ((3, 2), (1, 1), (4, 70), (2, 66))
"""Words and bits."""


class Shelf(wiring.Component):
    """ROMs that somebody reads, and a scrubber."""

    def __init__(self, draw: random.Random) -> None:
        self.rows = [[{"bits": draw.getrandbits(width)} for _ in range(depth)] for depth, width in SHAPES]
        self.layouts = [data.StructLayout({"bits": width}) for _, width in SHAPES]
        self.lent = [LentRom(f"rom{number}", lent_words(layout, rows))
                     for number, (layout, rows) in enumerate(zip(self.layouts, self.rows, strict=True))]  # fmt: skip
        self.scrubber = RomScrubber(self.lent)
        super().__init__({"idle": In(1), "address": In(1), "passed": Out(1), "corrupt": Out(1), "word": Out(66)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for number, (rows, layout, rom) in enumerate(zip(self.rows, self.layouts, self.lent, strict=True)):
            m.submodules[f"rom{number}"] = memory = Memory(shape=layout, depth=len(rows), init=rows)
            read = read_port(memory)
            own = self.address if len(rows) > 1 else 0
            m.d.comb += [read.addr.eq(lent_address(rom, own)), read.en.eq(lent_enable(rom, ~self.idle))]
            show(m, rom, read.data)
        m.submodules.scrubber = scrubber = self.scrubber
        m.d.comb += [
            self.word.eq(read.data),
            scrubber.idle.eq(self.idle),
            self.passed.eq(scrubber.passed),
            self.corrupt.eq(scrubber.corrupt),
        ]
        return m


def simulate(shelf: Shelf, bench: Any) -> None:
    """Run a bench, which is given the ROMs, too."""
    simulator, roms, _ = simulated(shelf)

    async def run(ctx: Any) -> None:
        await bench(ctx, roms)

    simulator.add_testbench(run)
    simulator.run()


async def whole_pass(ctx: Any, shelf: Shelf) -> bool:
    """Wait for the end of a pass, however long it takes, and for the cycle after it; return whether it was bad."""
    ctx.set(shelf.idle, 1)
    for _ in range(2 * shelf.scrubber.cycles):
        if ctx.get(shelf.passed):
            bad = bool(ctx.get(shelf.corrupt))
            await ctx.tick()
            return bad
        assert not ctx.get(shelf.corrupt)
        await ctx.tick()
    raise AssertionError("a pass must end")


def test_passes_and_interruptions() -> None:
    """A pass ends after as many idle cycles in a row as it says; who reads a ROM meanwhile gets his own words."""
    draw = random.Random(seed())
    shelf = Shelf(draw)
    assert shelf.scrubber.cycles == 3 + 1 + 4 + 2 + RomScrubber.DRAIN

    async def bench(ctx: Any, roms: list[Storage]) -> None:
        since, passes, wanted = 0, 0, None
        for _ in range(600):
            # Mostly idle: a whole pass has to come about.
            idle, address = int(draw.random() < 0.98), draw.getrandbits(1)
            ctx.set(shelf.idle, idle)
            ctx.set(shelf.address, address)
            if wanted is not None:
                assert ctx.get(shelf.word) == wanted
            taken = [ctx.get(rom.taken) for rom in shelf.lent]
            assert sum(taken) <= idle
            # In the last cycle of a pass all has been read.
            passed = since + 1 == shelf.scrubber.cycles
            assert (ctx.get(shelf.passed), ctx.get(shelf.corrupt)) == (passed, 0)
            passes += passed
            since = 0 if passed or not idle else since + 1
            wanted = None if idle else shelf.rows[-1][address]["bits"]
            await ctx.tick()
        assert passes > 20

    simulate(shelf, bench)


def test_every_bit() -> None:
    """Each bit that is flipped is told of at the end of a pass, and no more once it is as it was."""
    shelf = Shelf(random.Random(seed()))

    async def bench(ctx: Any, roms: list[Storage]) -> None:
        assert [(rom.depth, rom.width) for rom in roms] == list(SHAPES)
        assert not await whole_pass(ctx, shelf)
        for rom in roms:
            for word in range(rom.depth):
                for bit in range(0, rom.width, 1 if rom.width < 10 else 21):
                    rom.flip(ctx, word, bit)
                    assert await whole_pass(ctx, shelf), (rom.name, word, bit)
                    rom.flip(ctx, word, bit)
        assert not await whole_pass(ctx, shelf)

    simulate(shelf, bench)


def test_a_scrubber_that_skips_a_word_is_noticed() -> None:
    shelf = Shelf(random.Random(seed()))
    for number in (0, 3):
        rom = shelf.lent[number]
        words, rom.words = rom.words, rom.words[:-1]
        other = Shelf(random.Random(1))
        other.lent, other.rows, other.scrubber = shelf.lent, shelf.rows, shelf.scrubber

        async def bench(ctx: Any, roms: list[Storage], other: Shelf = other) -> None:
            assert await whole_pass(ctx, other)

        simulate(other, bench)
        rom.words = words


def test_no_roms() -> None:
    with pytest.raises(ValueError, match=r"^roms must be one or more, not none$"):
        RomScrubber([])
