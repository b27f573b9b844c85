# amaranth: UnusedElaboratable=no
"""What a host sees of the scrubber: passes, a corrupt ROM until the next reset, and names that are right beside it."""

from __future__ import annotations

import random
from typing import Any

import pytest

from cosim.registers.host import RegisterHost
from cosim.registers.traffic import published_name
from hdl.core.cores import core_config
from hdl.design import Design
from hdl.registers.maps import registers_of
from hdl.registers.systems import system_of
from tests.helpers.avalon import access
from tests.helpers.core_bench import random_checkpoint
from tests.helpers.designs import design_of
from tests.helpers.pysim_registers import drive_system
from tests.helpers.roms import SMALL, scrubbed_design, simulated
from tests.helpers.streams import seed


class Machine:
    """A system in simulation, by the names of its registers."""

    def __init__(self, ctx: Any, design: Design, system: Any, reset: Any) -> None:
        self.ctx, self.system, self._reset = ctx, system, reset
        self.registers = registers_of(design.core)

    async def read(self, name: str) -> dict[str, int]:
        """Return the fields of a register, or its word as ``""``."""
        entry = self.registers.register(name)
        word = await access(self.ctx, self.system.bus, "read", entry.address)
        return {"": word, **entry.decode(word)}

    async def write(self, name: str, word: int) -> None:
        await access(self.ctx, self.system.bus, "write", self.registers.register(name).address, word)

    async def corrupt(self) -> int:
        return (await self.read("status"))["rom_corrupt"]

    async def scrubbed(self) -> None:
        """Let a pass end that has not begun yet, and the registers know of it."""
        await self.ctx.tick().repeat(2 * self.system.core.scrubber.cycles + 1)

    async def reset(self) -> None:
        self.ctx.set(self._reset, 1)
        await self.ctx.tick()
        self.ctx.set(self._reset, 0)

    async def work(self) -> None:
        """A name or a batch, to its end."""
        await self.write("control", 1)
        for _ in range(500):
            if (await self.read("status"))["done"]:
                return
        raise AssertionError("what is started must end")


@pytest.mark.parametrize("name", ["tile16", "barrel"])
def test_a_corrupt_rom(name: str) -> None:
    """It is told of after a pass, whatever a host does, until a reset; and again after that."""
    draw, made = random.Random(seed()), scrubbed_design(name)
    system: Any = system_of(made)
    # Without the deep tables a pass is short.
    scrubber = system.core.scrubber
    system.core.scrubber = type(scrubber)([rom for rom in scrubber.roms if len(rom.words) < 100])
    simulator, roms, reset = simulated(system)
    flipped = [rom for rom in roms if rom.depth < 100]
    if name == "barrel":
        flipped = [draw.choice(flipped)]

    async def bench(ctx: Any) -> None:
        machine, cycles = Machine(ctx, made, system, reset), system.core.scrubber.cycles
        assert (await machine.read("machine"))["scrubber"] == 1
        before = (await machine.read("rom_passes"))[""]
        # Three cycles lie between two reads.
        await ctx.tick().repeat(7 * cycles - 3)
        assert (await machine.read("rom_passes"))[""] == before + 7
        await machine.work()
        await machine.scrubbed()
        assert not await machine.corrupt()
        for rom in flipped:
            for word in {0, rom.depth - 1} if name == "tile16" else {draw.randrange(rom.depth)}:
                bit = draw.randrange(rom.width)
                rom.flip(ctx, word, bit)
                await machine.scrubbed()
                assert await machine.corrupt(), (rom.name, word, bit)
                rom.flip(ctx, word, bit)
                await machine.reset()
                assert not await machine.corrupt()
                await machine.scrubbed()
                assert not await machine.corrupt()
        rom.flip(ctx, word, bit)
        await machine.scrubbed()
        await machine.write("control", 2)
        assert await machine.corrupt()
        rom.flip(ctx, word, bit)
        await machine.work()
        await machine.scrubbed()
        assert await machine.corrupt()
        assert not (await machine.read("status"))["error"]

    simulator.add_testbench(bench)
    simulator.run()


def test_names_beside_the_scrubber() -> None:
    """Every access is answered as the model says."""
    draw = random.Random(seed())

    async def bench(host: RegisterHost) -> None:
        for _ in range(3):
            await host.idle(draw.randrange(100))
            await published_name(host, draw.getrandbits(32), 0x80, SMALL.max_letters, pause=5)
            for name in ("machine", "rom_passes", "status", "cycles"):
                await host.get(name)

    model = drive_system(scrubbed_design("tile16"), bench)
    assert not model.mismatches, "\n".join(map(str, model.mismatches[:20]))


def test_a_machine_without_a_scrubber() -> None:
    config = core_config("tile16", SMALL)
    made = design_of(config, random_checkpoint(SMALL, 1))
    system: Any = system_of(made)
    simulator, roms, reset = simulated(system)

    async def bench(ctx: Any) -> None:
        machine = Machine(ctx, made, system, reset)
        roms[0].flip(ctx, 0, 0)
        await ctx.tick().repeat(200)
        assert (await machine.read("machine"))["scrubber"] == 0
        assert (await machine.read("rom_passes"))[""] == 0
        assert not await machine.corrupt()

    simulator.add_testbench(bench)
    simulator.run()
