"""The demo on a model of the registers, with random waits: a name a period, seeds in order, letters to the display."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.sim import Simulator

from hdl.boards.parts.demo import Demo
from hdl.registers.map import TEMPERATURE, RegisterMap, register_map
from talos_ref.model.config import MICROGPT, ModelConfig
from tests.helpers.avalon import Target
from tests.helpers.streams import CLOCK_PERIOD, seed

PUBLISHED = register_map(MICROGPT)
LARGE = register_map(ModelConfig(alphabet="".join(map(chr, range(0xAC00, 0xAC00 + 255))), block_size=33))


class Machine:
    """Registers as the demo sees them; a started name is done after some reads of the status."""

    def __init__(self, rng: random.Random, registers: RegisterMap) -> None:
        self.rng, self.registers, self.model = rng, registers, registers.model
        self.letters: list[int] = []
        self.shown: list[list[int]] = []
        self.names: list[list[int]] = []
        self.seeds: list[int] = []
        self.seed = -1
        self.polls = 0

    def read(self, address: int) -> int:
        found = self.registers.find(address)
        assert found is not None
        entry, index = found
        if entry.name == "status":
            self.polls -= 1
            done = self.polls <= 0
            return entry.encode(busy=not done, done=done, letters=len(self.letters) if done else 0, error=0)
        assert entry.name == "letters", f"read of {entry.name}"
        return self.letters[index]

    def write(self, address: int, data: int) -> None:
        found = self.registers.find(address)
        assert found is not None
        entry, _ = found
        values = entry.decode(data)
        match entry.name:
            case "hex" if values["clear"]:
                self.shown.append([])
            case "hex":
                assert values["push"]
                self.shown[-1].append(values["token"])
            case "config":
                assert values == {"limit": self.model.max_letters, "temperature": TEMPERATURE}
            case "seed":
                self.seed = data
            case "control" if values["start"]:
                assert values["clear"] == 0
                self.seeds.append(self.seed)
                self.letters = [
                    self.rng.randrange(self.model.bos) for _ in range(self.rng.randrange(self.model.block_size))
                ]
                self.names.append(self.letters)
                self.polls = self.rng.randrange(1, 20)
            case name:
                assert name == "control", f"write of {name}"


@pytest.mark.parametrize(
    ("registers", "period", "wait"), [(PUBLISHED, 400, 0.0), (PUBLISHED, 400, 0.5), (LARGE, 600, 0.1)]
)
def test_names(registers: RegisterMap, period: int, wait: float) -> None:
    rng = random.Random(seed())
    demo = Demo(registers, cycles=period)
    machine = Machine(rng, registers)
    target = Target(demo.bus, rng, machine.read, machine.write, wait=wait)
    started: list[int] = []
    said: list[list[int]] = []
    ended: list[list[int]] = []

    async def listen(ctx: Any) -> None:
        name = demo.report
        while True:
            _, _, begin, push, end, token = await ctx.tick().sample(name.begin, name.push, name.end, name.token)
            assert begin + push + end <= 1
            if begin:
                said.append([])
            elif push:
                said[-1].append(token)
            elif end:
                ended.append(said[-1])

    async def count(ctx: Any) -> None:
        ctx.set(demo.enable, 1)
        for cycle in range(20 * period):
            *_, writing, waits, address, data = await ctx.tick().sample(
                demo.bus.write, demo.bus.waitrequest, demo.bus.address, demo.bus.writedata
            )
            if writing and not waits and address == registers.register("hex").address and data & 1:
                started.append(cycle)

    simulator = Simulator(demo)
    simulator.add_clock(CLOCK_PERIOD)
    simulator.add_testbench(target.serve, background=True)
    simulator.add_testbench(listen, background=True)
    simulator.add_testbench(count)
    simulator.run()
    assert machine.seeds == list(range(1, len(machine.seeds) + 1))
    assert len(machine.seeds) == 20
    assert machine.shown[:-1] == machine.names[:-1]
    assert ended[:19] == machine.names[:19]
    assert all(abs(at - number * period) <= (2 if wait == 0 else 30) for number, at in enumerate(started)), started


def test_disabled() -> None:
    """Without the switch nothing starts; switched off in mid-name, the name ends and no other follows."""
    rng = random.Random(seed())
    demo = Demo(PUBLISHED, cycles=50)
    machine = Machine(rng, PUBLISHED)
    target = Target(demo.bus, rng, machine.read, machine.write)

    async def testbench(ctx: Any) -> None:
        await ctx.tick().repeat(500)
        assert target.log == []
        ctx.set(demo.enable, 1)
        while not machine.names:
            await ctx.tick()
        ctx.set(demo.enable, 0)
        await ctx.tick().repeat(2000)
        assert len(machine.names) == 1
        assert machine.shown == machine.names

    simulator = Simulator(demo)
    simulator.add_clock(CLOCK_PERIOD)
    simulator.add_testbench(target.serve, background=True)
    simulator.add_testbench(testbench)
    simulator.run()


@pytest.mark.parametrize(
    ("cycles", "error", "text"),
    [
        (1.5, TypeError, "cycles must be an integer, not 1.5"),
        (0, ValueError, "cycles must be 1 to 1099511627776, not 0"),
    ],
)
def test_refused(cycles: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as raised:
        Demo(PUBLISHED, cycles=cycles)
    assert str(raised.value) == text
