"""Host and demo before one target: no access is lost, doubled or answered to the wrong one, and the host never waits
for ever."""

from __future__ import annotations

import random
from typing import Any

from amaranth.hdl import ResetInserter, Signal
from amaranth.sim import Simulator

from hdl.boards.parts.bus_multiplexer import BusMultiplexer
from tests.helpers.avalon import Target, access
from tests.helpers.streams import CLOCK_PERIOD, seed


def answer(address: int) -> int:
    """What the target holds."""
    return address * 0x10001 ^ 0x5A5A5A5A


class Traffic:
    """A multiplexer between two initiators with random accesses and a target with random waits."""

    def __init__(self) -> None:
        self.rng = random.Random(seed())
        self.multiplexer = BusMultiplexer()
        self.reset = Signal()
        self.target = Target(self.multiplexer.bus, self.rng, answer, wait=self.rng.choice([0, 0.5, 0.9]))
        self.done: dict[str, list[tuple[str, int, int]]] = {"host": [], "demo": []}

    async def work(self, ctx: Any, who: str, count: int, gap: float) -> None:
        """Do ``count`` random accesses; the two initiators' addresses differ."""
        bus = getattr(self.multiplexer, who)
        for _ in range(count):
            while self.rng.random() < gap:
                await ctx.tick()
            kind, base = self.rng.choice(["read", "write"]), 0x800 if who == "host" else 0
            address, data = base + 4 * self.rng.randrange(512), self.rng.getrandbits(32)
            word = await access(ctx, bus, kind, address, data, limit=5000)
            self.done[who].append((kind, address, data if kind == "write" else 0))
            assert kind == "write" or word == answer(address), f"{who} read {address:#x}"

    async def answers(self, ctx: Any) -> None:
        """Watch that only who has read is answered."""
        buses = (self.multiplexer.host, self.multiplexer.demo)
        watched = [getattr(bus, name) for bus in buses for name in ("read", "waitrequest", "readdatavalid")]
        reading = [False, False]
        while True:
            _, _, *values = await ctx.tick().sample(*watched)
            for who in range(2):
                read, waits, valid = values[3 * who : 3 * who + 3]
                assert reading[who] or not valid, f"{('host', 'demo')[who]} has not read"
                reading[who] = bool((read and not waits) or (reading[who] and not valid))

    async def demo(self, ctx: Any) -> None:
        """Access for ever."""
        await self.work(ctx, "demo", 1 << 30, 0.3)

    def run(self, testbench: Any, background: Any) -> None:
        """Simulate until the testbench ends."""
        simulator = Simulator(ResetInserter(self.reset)(self.multiplexer))
        simulator.add_clock(CLOCK_PERIOD)
        simulator.add_testbench(self.target.serve, background=True)
        simulator.add_testbench(background, background=True)
        simulator.add_testbench(self.answers, background=True)
        simulator.add_testbench(testbench)
        simulator.run()


def test_demo_then_host() -> None:
    """The demo works until the host's first access, and never afterwards."""
    for _ in range(4):
        traffic = Traffic()

        async def testbench(ctx: Any, traffic: Traffic = traffic) -> None:
            await ctx.tick().repeat(500)
            assert not ctx.get(traffic.multiplexer.host_owns)
            await traffic.work(ctx, "host", 100, 0.5)
            assert ctx.get(traffic.multiplexer.host_owns)

        traffic.run(testbench, traffic.demo)
        log = traffic.target.log
        of_demo = [entry for entry in log if entry[1] < 0x800]
        assert log[: len(of_demo)] == of_demo == traffic.done["demo"], "the demo's come first, each once"
        assert log[len(of_demo) :] == traffic.done["host"]
        assert of_demo


def test_release() -> None:
    """A release gives the bus back between two of the host's accesses; a host that goes on keeps being answered."""
    traffic = Traffic()
    multiplexer = traffic.multiplexer

    async def testbench(ctx: Any) -> None:
        for _ in range(20):
            await traffic.work(ctx, "host", 10, 0.2)
            ctx.set(multiplexer.release, 1)
            await traffic.work(ctx, "host", 10, 0.2)
            await ctx.tick().repeat(3)
            ctx.set(multiplexer.release, 0)
            assert not ctx.get(multiplexer.host_owns)
            await ctx.tick().repeat(traffic.rng.randrange(1, 200))

    traffic.run(testbench, traffic.demo)
    assert [entry for entry in traffic.target.log if entry[1] >= 0x800] == traffic.done["host"]
    of_demo = [entry for entry in traffic.target.log if entry[1] < 0x800]
    assert len(of_demo) > 100
    assert of_demo[: len(traffic.done["demo"])] == traffic.done["demo"]
    assert len(of_demo) - len(traffic.done["demo"]) <= 1, "at most one was under way at the end"


def test_always_released() -> None:
    """Two hosts that share a bus: each of their accesses is done, in its order, though both ask all the time."""
    traffic = Traffic()

    async def other(ctx: Any) -> None:
        await traffic.work(ctx, "demo", 1 << 30, 0)

    async def testbench(ctx: Any) -> None:
        ctx.set(traffic.multiplexer.release, 1)
        await traffic.work(ctx, "host", 200, 0.5)

    traffic.run(testbench, other)
    of_other = [entry for entry in traffic.target.log if entry[1] < 0x800]
    assert [entry for entry in traffic.target.log if entry[1] >= 0x800] == traffic.done["host"]
    assert of_other[: len(traffic.done["demo"])] == traffic.done["demo"]
    assert len(traffic.done["demo"]) > 50


def test_reset_in_any_cycle() -> None:
    """A reset of the domain loses no access of the host."""
    traffic = Traffic()

    async def resets(ctx: Any) -> None:
        while True:
            ctx.set(traffic.reset, traffic.rng.random() < 0.3)
            await ctx.tick()

    async def testbench(ctx: Any) -> None:
        await traffic.work(ctx, "host", 300, 0.2)

    traffic.run(testbench, resets)
    assert traffic.target.log == traffic.done["host"]


def test_restart() -> None:
    """A restart forgets the owner, and an access that will not be answered."""
    multiplexer = BusMultiplexer()

    async def testbench(ctx: Any) -> None:
        ctx.set(multiplexer.host.read, 1)
        await ctx.tick().repeat(2)
        ctx.set(multiplexer.host.read, 0)
        await ctx.tick().repeat(5)
        assert ctx.get(multiplexer.host_owns)
        ctx.set(multiplexer.restart, 1)
        await ctx.tick()
        ctx.set(multiplexer.restart, 0)
        assert not ctx.get(multiplexer.host_owns)
        ctx.set(multiplexer.host.read, 1)
        await ctx.tick()
        assert ctx.get(multiplexer.host_owns)
        assert ctx.get(multiplexer.bus.read)

    simulator = Simulator(multiplexer)
    simulator.add_clock(CLOCK_PERIOD)
    simulator.add_testbench(testbench)
    simulator.run()
