# amaranth: UnusedElaboratable=no
"""Cores that scrub their ROMs: a bit flipped in any of them is told of, and requests are what they are without."""

from __future__ import annotations

import copy
import random
from dataclasses import replace
from typing import Any

import pytest

from cosim.core.request import Request, name_request, step_request
from hdl.core.barrel.barrel import Barrel
from hdl.core.core import Core
from hdl.core.cores import core_config
from hdl.units.rom_scrubber import RomScrubber
from tests.helpers.core_bench import Script, lock_step, random_checkpoint
from tests.helpers.designs import design_of
from tests.helpers.roms import SMALL, scrubbed_config, scrubbed_design, simulated
from tests.helpers.streams import seed

NAMES = ("tile16", "wide", "fused", "barrel")
ROMS = {
    "tile16": {"program": 1, "wte": 1, "wpe": 1, "weights": 1},
    "wide": {"program": 1, "wte": 1, "wpe": 1, "weights": 1, "columns": 1, "reciprocals": 0},
    "fused": {"program": 1, "row": 6, "weights": 1, "columns": 1, "tables": 1, "reciprocals": 0},
    "barrel": {"projections": 2, "weights": 1, "addends": 1, "folded": 1, "tables": 3, "reciprocals": 0},
}
"""Of each core: name -> memories. Reciprocals are a case of constants, of which synthesis makes a memory."""
_SHALLOW = 120


def core_of(name: str) -> Any:
    design = scrubbed_design(name)
    return Core(design) if design.core.streams == 1 else Barrel(design)


async def whole_pass(ctx: Any, core: Any) -> bool:
    """Wait for the end of the next pass and the cycle after it; return whether it was bad."""
    for _ in range(core.scrubber.cycles):
        if ctx.get(core.rom_passed):
            bad = bool(ctx.get(core.rom_corrupt))
            await ctx.tick()
            return bad
        await ctx.tick()
    raise AssertionError("a pass must end while the core is idle")


@pytest.mark.parametrize("name", NAMES)
def test_a_flipped_bit_in_each_rom(name: str) -> None:
    """First word, last word and another one, of every memory that is not written."""
    draw, core = random.Random(seed()), core_of(name)
    assert {rom.name for rom in core.scrubber.roms} == set(ROMS[name])
    # Passes over deep tables take long to simulate, and have a test of their own.
    core.scrubber = RomScrubber([rom for rom in core.scrubber.roms if len(rom.words) < _SHALLOW])
    simulator, roms, _ = simulated(core)
    assert len(roms) == sum(ROMS[name].values())

    async def bench(ctx: Any) -> None:
        assert not await whole_pass(ctx, core)
        for rom in roms:
            if rom.depth >= _SHALLOW:
                continue
            for word in {0, rom.depth - 1, draw.randrange(rom.depth)}:
                bit = draw.randrange(rom.width)
                rom.flip(ctx, word, bit)
                assert await whole_pass(ctx, core), (rom.name, word, bit)
                rom.flip(ctx, word, bit)
        assert not await whole_pass(ctx, core)

    simulator.add_testbench(bench)
    simulator.run()


def test_tables() -> None:
    """All of them, the deep ones, too: one flipped bit in a noise table."""
    draw, core = random.Random(seed()), core_of("fused")
    simulator, roms, _ = simulated(core)
    (table,) = (rom for rom in roms if "table" in rom.name)
    assert table.depth == 512

    async def bench(ctx: Any) -> None:
        assert not await whole_pass(ctx, core)
        table.flip(ctx, draw.randrange(table.depth), draw.randrange(table.width))
        assert await whole_pass(ctx, core)

    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize("changed", [False, True])
@pytest.mark.parametrize("registered", [False, True])
def test_reciprocals(changed: bool, registered: bool) -> None:
    """Behind registers the division keeps its lines for the scrubber alone."""
    config = replace(scrubbed_config("wide"), attention_registers=registered)
    core: Any = Core(design_of(config, random_checkpoint(SMALL, 1)))
    divide = core.units.attention.divide
    (lent,) = (rom for rom in core.scrubber.roms if rom.name == "reciprocals")
    core.scrubber = RomScrubber([lent])
    if changed:
        table = copy.copy(divide.spec.table)
        lines = list(table.lines)
        lines[77] = (lines[77][0] ^ 4, lines[77][1])
        table.__dict__["lines"] = tuple(lines)
        divide.spec = copy.copy(divide.spec)
        divide.spec.__dict__["table"] = table
    simulator, _, _ = simulated(core)

    async def bench(ctx: Any) -> None:
        assert await whole_pass(ctx, core) == changed

    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize("name", ["tile16", "fused"])
def test_requests_in_the_middle_of_passes(name: str) -> None:
    """Every result is the golden model's, and every cycle is counted as without a scrubber."""
    draw = random.Random(seed())

    def request() -> Request:
        if draw.random() < 0.3:
            return step_request(draw.getrandbits(32), 0x80, draw.randrange(SMALL.vocab_size), 0)
        return name_request(draw.getrandbits(32), draw.choice((0, 0x80)), draw.randint(1, SMALL.max_letters))

    scripts = [Script(request=request(), wait=draw.randrange(90)) for _ in range(6)]
    checkpoint = random_checkpoint(SMALL, draw.getrandbits(32))
    found = [lock_step(replace(scrubbed_config(name), scrub=scrub), checkpoint, scripts) for scrub in (True, False)]
    assert found[0] == found[1]
    assert found[0].steps > 5


def test_batches_in_the_middle_of_passes() -> None:
    """Results of both come in the same cycles."""
    draw, checkpoint = random.Random(seed()), random_checkpoint(SMALL, 1)
    batches = [(draw.getrandbits(32), draw.randint(1, 12), draw.randrange(60)) for _ in range(3)]
    found: list[list[Any]] = []
    for scrub in (True, False):
        core = Barrel(design_of(replace(scrubbed_config("barrel"), scrub=scrub), checkpoint))
        simulator, _, _ = simulated(core)
        results: list[Any] = []
        found.append(results)

        async def bench(ctx: Any, core: Any = core, results: list[Any] = results) -> None:
            cycle = 0
            ctx.set(core.result.ready, 1)
            for first, count, wait in batches:
                batch = {"seed": first, "count": count, "temperature": 0x80, "limit": SMALL.max_letters}
                await ctx.tick().repeat(wait)
                ctx.set(core.batch.payload, batch)
                ctx.set(core.batch.valid, 1)
                await ctx.tick()
                ctx.set(core.batch.valid, 0)
                while ctx.get(core.busy):
                    if ctx.get(core.result.valid):
                        results.append((cycle, ctx.get(core.result.payload)))
                    cycle += 1
                    await ctx.tick()
                results.append(ctx.get(core.counters))

        simulator.add_testbench(bench)
        simulator.run()
    assert found[0] == found[1]
    assert len(found[0]) > 10


def test_an_offered_request_ends_a_pass() -> None:
    """In its very cycle, and even if it is illegal, and so over at once."""
    core = core_of("tile16")
    simulator, _, _ = simulated(core)

    async def bench(ctx: Any) -> None:
        for wait in range(1, core.scrubber.cycles + 2, 9):
            await ctx.tick().repeat(wait)
            ctx.set(core.request.valid, 1)
            assert not any(ctx.get(rom.taken) for rom in core.scrubber.roms)
            await ctx.tick()
            ctx.set(core.request.valid, 0)
            assert ctx.get(core.error)

    simulator.add_testbench(bench)
    simulator.run()


def test_a_core_without() -> None:
    core: Any = Core(design_of(core_config("tile16", SMALL), random_checkpoint(SMALL, 1)))
    assert core.scrubber is None
    assert not hasattr(core, "rom_passed")
