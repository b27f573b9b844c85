"""The register block over a scripted core: any accesses at any times, against the model."""

from __future__ import annotations

import random
from typing import Any

import pytest

from cosim.registers.access import Access
from cosim.registers.host import RegisterHost
from cosim.registers.traffic import EVENTS, direct_step, published_name, random_traffic, restarts
from hdl.core.config import CoreConfig
from hdl.core.cores import core_config
from hdl.registers.block import RegisterBlock
from talos_ref.golden.format import Q4_12, Q5_12, Q6_12, Format
from talos_ref.model.config import ModelConfig
from tests.helpers.pysim_registers import BUILD, drive
from tests.helpers.streams import run, seed

every_arithmetic = pytest.mark.parametrize("core", ["tile16", "fused"])


def check(model: Any) -> None:
    assert not model.mismatches, "\n".join(map(str, model.mismatches[:20]))


@every_arithmetic
def test_any_accesses(core: str) -> None:
    """At random, with gaps and without, resets in between; everything that can go wrong comes up."""
    draw = random.Random(seed())

    async def bench(host: RegisterHost) -> None:
        await random_traffic(host, draw, 2500, step_cycles=8, resets=0.03)

    model = drive(core_config(core), draw.getrandbits(32), bench)
    check(model)
    assert not [event for event in EVENTS if event not in model.events]


@pytest.mark.parametrize(
    ("letters", "block_size", "word"), [(1, 2, Q4_12), (27, 33, Q5_12), (40, 20, Q5_12), (255, 64, Q6_12)]
)
def test_any_accesses_of_other_designs(letters: int, block_size: int, word: Format) -> None:
    """Few and many tokens and positions, words of more than 16 bits."""
    draw = random.Random(seed())
    alphabet = "".join(map(chr, range(0xAC00, 0xAC00 + letters)))
    model = ModelConfig(alphabet=alphabet, block_size=block_size)
    config = CoreConfig(
        name="another", arithmetic_name="precise", tile_rows=4, tile_columns=4, model=model, word=word
    )

    async def bench(host: RegisterHost) -> None:
        await published_name(host, 1, 0x80, config.model.max_letters, pause=3)
        for name in ("dimensions", "word_format", "places", "bos", "config"):
            assert await host.get(name) == host.registers.register(name).reset
        for index in draw.sample(range(letters + 1), min(letters + 1, 20)):
            await host.get("logits", index)
        await host.get("top_logit")
        await host.get("letters", block_size - 1)
        await random_traffic(host, draw, 250, step_cycles=8)

    check(drive(config, draw.getrandbits(32), bench))


def test_names_restarted_in_any_cycle() -> None:
    draw = random.Random(seed())

    async def bench(host: RegisterHost) -> None:
        await restarts(host, draw, 60, step_cycles=8)

    model = drive(core_config("fused"), draw.getrandbits(32), bench)
    check(model)
    assert model.events["name"] >= 60


def test_the_published_host() -> None:
    async def bench(host: RegisterHost) -> None:
        for name in range(5):
            letters, _ = await published_name(host, name, 0x80, 15, pause=name)
            assert letters
        logits = await direct_step(host, 26, 0, clear=True, pause=3)
        assert len(set(logits)) > 20

    check(drive(core_config("tile16"), 1, bench))


async def look(host: RegisterHost) -> None:
    """Read what an end that came between two others would show in."""
    for name in ("status", "error", "cycles", "last", "letters", "tokens_per_second", "machine"):
        await host.post(Access(host.registers.register(name).address))


@pytest.mark.parametrize("how", ["clear", "clear and start", "reset"])
def test_an_end_in_every_cycle(how: str) -> None:
    """Of names, and of direct steps that the core refuses, whatever it or the block does in that cycle."""

    async def bench(host: RegisterHost) -> None:
        for turn, gap in enumerate([*range(10), *range(40), *range(20)]):
            await host.set("seed", value=3 + turn)
            await host.set("control", start=1)
            if turn < 10:
                await host.until_done(1000)
                await host.set("direct", enable=1, position=15, token=3)
                await host.set("step", start=1)
            await host.idle(gap)
            if how == "reset":
                host.reset_cycles = 1 + gap % 3
            else:
                await host.set("control", clear=1, start=int("start" in how))
            await look(host)
            await host.until_done(1000)
            await look(host)
        await host.drain()

    model = drive(core_config("fused"), 4, bench, longest_step=4)
    check(model)
    assert model.events[f"{how.split()[0]} while running"] > 10


def test_a_refused_step_has_no_counters() -> None:
    """Those of the name before it stay in the core, which is not cleared."""

    async def bench(host: RegisterHost) -> None:
        await host.set("control", start=1)
        await host.until_done(1000)
        for word in ({"position": 15}, {"position": 16}, {"token": 27}, {"enable": 0}):
            await host.set("direct", **{"enable": 1, **word})
            await host.set("step", start=1)
            await host.until_done(1000)
            await look(host)
            for name in ("step_count", "letter_count", "stage_cycles", "seed", "logits"):
                assert (await host.get(name) == 0) == (name not in ("seed", "logits"))

    model = drive(core_config("fused"), 1, bench)
    check(model)
    assert (model.events["refused by the core"], model.events["direct_disabled"]) == (1, 1)


@every_arithmetic
def test_the_temperature_in_use(core: str) -> None:
    """At both sides of all that the sampler distinguishes."""
    temperatures = (0, 1, 0x0F, 0x10, 0x11, 0x7F, 0x80, 0x81, 0xFF, 0x100, 0x101, 0x200, 0x201, 0x1000, 0xFFFF)
    used: list[int] = []

    async def bench(host: RegisterHost) -> None:
        assert await host.get("temperature") == 0x80
        for temperature in temperatures:
            await host.set("config", limit=1, temperature=temperature)
            await host.set("control", start=1)
            await host.until_done(1000)
            used.append(await host.get("temperature"))

    check(drive(core_config(core), 1, bench))
    if core == "tile16":
        assert used == [0x80] * 7 + [0x100] * 3 + [0x200] * 2 + [0x400] * 3
    else:
        assert used == [0x10000, 0x10, 0x10, *temperatures[3:-1], 0x1000 if core == "fused" else 0xFFFF]


def test_answers_in_a_reset() -> None:
    """All registers as after it but for status, however long it lasts; writes do nothing."""

    async def bench(host: RegisterHost) -> None:
        await host.set("control", start=1)
        await host.idle(9)
        host.reset_cycles = 400
        await host.idle(1)
        for entry in host.registers.registers:
            value = await host.read(entry.address)
            if entry.access.readable and entry.reset is not None:
                assert value == (0 if entry.name == "status" else entry.reset), entry.name
            await host.write(entry.address, 0xFFFFFFFF)
        assert await host.get("machine") == 0b11
        assert host.reset_cycles > 0
        host.reset_cycles, host.enable = 0, 0
        for entry in host.registers.registers:
            value = await host.read(entry.address)
            if entry.reset is not None and entry.name != "status":
                assert value == entry.reset, entry.name
        assert await host.get("machine") == 0

    check(drive(core_config("tile16"), 1, bench))


def test_latencies() -> None:
    """Of an answer, of a start, and of the news of a result; a request waits for a core that is not ready."""
    block = RegisterBlock(core_config("fused"), build=BUILD)
    bus, core = block.bus, block.core

    def address_of(name: str) -> int:
        return block.registers.register(name).address

    async def bench(ctx: Any) -> None:
        ctx.set(bus.byteenable, 0xF)
        for name, value in (("address", address_of("control")), ("writedata", 1), ("write", 1)):
            ctx.set(getattr(bus, name), value)
        await ctx.tick()
        # The accepting cycle has passed; what follows is written too late for it.
        ctx.set(bus.address, address_of("config"))
        ctx.set(bus.writedata, 0)
        await ctx.tick()
        ctx.set(bus.write, 0)
        for _ in range(RegisterBlock.LAUNCH_LATENCY - 2):
            assert not ctx.get(core.request.valid)
            await ctx.tick()
        for _ in range(5):
            assert ctx.get(core.request.valid)
            assert ctx.get(core.request.p.limit) == 15
            assert ctx.get(core.request.p.temperature) == 0x80
            await ctx.tick()
        ctx.set(core.request.ready, 1)
        await ctx.tick()
        ctx.set(core.request.ready, 0)
        assert not ctx.get(core.request.valid)
        await ctx.tick()
        ctx.set(core.result.valid, 1)
        ctx.set(core.result.p.last, 1)
        assert ctx.get(core.result.ready)
        await ctx.tick()
        ctx.set(core.result.valid, 0)
        assert not ctx.get(block.done)
        ctx.set(core.counters.cycles, 1)
        await ctx.tick()
        assert ctx.get(block.done)
        ctx.set(bus.address, address_of("tokens_per_second"))
        ctx.set(bus.read, 1)
        await ctx.tick()
        ctx.set(bus.read, 0)
        for _ in range(block.ANSWER_LATENCY - 2):
            assert not ctx.get(bus.readdatavalid)
            await ctx.tick()
        assert ctx.get(bus.readdatavalid)
        assert ctx.get(bus.readdata) == block.clock_hz

    run(block, bench)
