"""Bench of the simulated board: batches through registers, no letter read; counters and digest against host_c's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, Timer

from cosim.core.bench_config import BenchConfig, Findings
from cosim.core.checker import Mismatch
from cosim.core.cocotb_pins import period_ps, running_test
from hdl.build_cache import build_id
from hdl.design import Design
from hdl.registers.batch_map import BATCH_VERSION, batch_map
from hdl.registers.core_name import core_name
from hdl.registers.published import ID
from host_c import Model
from host_c.binding.digest import digest

__all__ = ["digests"]

_ALL = 0xFFFFFFFF


class Bus:
    """An initiator of the register bus: reads and writes, one at a time, at the falling edge of the clock."""

    def __init__(self, dut: Any, design: Design) -> None:
        self._dut, self.map = dut, batch_map(design.model, design.arithmetic.logit)
        self._period = period_ps(design.clock_hz)

    async def start(self) -> None:
        """Start the clock and reset the machine."""
        dut = self._dut
        dut.clk.value = 0
        for name in ("read", "write", "address", "writedata", "byteenable"):
            getattr(dut, f"bus__{name}").value = 0
        dut.enable.value = 1
        dut.rst.value = 1
        await Timer(self._period, "ps")
        Clock(dut.clk, self._period, unit="ps", impl="gpi").start(start_high=False)
        for _ in range(3):
            await FallingEdge(dut.clk)
        dut.rst.value = 0

    async def write(self, name: str, value: int) -> None:
        """Write a register."""
        await self.access(self.map.register(name).address, write=1, writedata=value)

    async def read(self, name: str, index: int = 0) -> int:
        """Return a word of a register."""
        return await self.word(self.map.register(name).at(index))

    async def word(self, address: int) -> int:
        """Return the word at an address."""
        await self.access(address, read=1)
        while str(self._dut.bus__readdatavalid.value) != "1":
            await FallingEdge(self._dut.clk)
        return int(self._dut.bus__readdata.value.to_unsigned())

    async def counter(self, name: str) -> int:
        """Return a counter of two words."""
        return await self.read(name) | await self.read(name, 1) << 32

    async def idle(self) -> None:
        """Ask from time to time until the core is idle; in between the simulator runs without Python."""
        busy = self.map.register("status").field("busy")
        while busy.extract(await self.read("status")):
            await Timer(2000 * self._period, "ps")
            await FallingEdge(self._dut.clk)

    async def access(self, address: int, **pins: int) -> None:
        """Do one access, of all bytes unless told otherwise; return in the cycle after its acceptance."""
        dut = self._dut
        for pin, value in ({"byteenable": 0xF, "address": address} | pins).items():
            getattr(dut, f"bus__{pin}").value = value
        await Timer(1, "ps")
        while str(dut.bus__waitrequest.value) != "0":
            await FallingEdge(dut.clk)
        await FallingEdge(dut.clk)
        dut.bus__read.value = 0
        dut.bus__write.value = 0


@cocotb.test()
async def digests(dut: Any) -> None:
    """Run every batch of the configuration and compare steps, letters and digest with host_c's."""
    test, config = running_test(), BenchConfig.from_environment()
    design = Design.load(Path(config.design))
    bus, model, values, steps = Bus(dut, design), Model(design), 0, 0
    await bus.start()
    seen: dict[str, int] = {}

    def compare(what: str, expected: Any, actual: Any, seed: int = 0) -> None:
        nonlocal values
        values += 1
        if expected != actual:
            mismatch = Mismatch(design.name, config.simulator, test, seed, 0, "REGISTERS", what, expected, actual)
            findings = Findings(
                tests=(test,), counted=(), steps=steps, values=values, mismatch=mismatch.to_json()
            )
            config.add(findings)
            raise mismatch

    async def status() -> dict[str, int]:
        """Return the fields of status that are 1, and those of error, without the one that tells of accesses."""
        state = bus.map.register("status").decode(await bus.read("status"))
        causes = bus.map.register("error").decode(await bus.read("error"))
        state |= {f"error {name}": value for name, value in causes.items()}
        return {name: value for name, value in state.items() if value and name != "toggle"}

    identity = {"id": ID, "version": BATCH_VERSION, "streams": design.core.streams, "build": build_id(design),
                "clock": design.clock_hz, "machine": 0b10}  # fmt: skip
    for name, value in identity.items():
        compare(name, value, await bus.read(name))
    compare("status", {"ready": 1}, await status())
    words = [await bus.read("core_name", index) for index in range(4)]
    compare("core_name", design.name, core_name(words))
    fields = bus.map.register("config")
    for batch in config.batches:
        await bus.write("seed", batch.seed)
        await bus.write("count", batch.count)
        await bus.write("config", fields.encode(limit=batch.limit, temperature=batch.temperature))
        await bus.write("control", 1)
        await bus.idle()
        wanted = digest(model, batch.seed, batch.count, batch.temperature / 256, batch.limit, threads=1)
        seen = {
            name: await bus.counter(register)
            for name, register in (("cycles", "cycles"), ("steps", "step_count"), ("letters", "letter_count"))
        }
        compare("steps", wanted.steps, seen["steps"], batch.seed)
        compare("letters", wanted.letters, seen["letters"], batch.seed)
        seen["digest"] = await bus.read("digest")
        compare("digest", wanted.digest, seen["digest"], batch.seed)
        steps += wanted.steps
        compare("left", 0, await bus.read("left"))
        compare("status", {"done": 1}, await status())
    # A write in part, or to what is read only, changes nothing, and what is write only reads as 0.
    before: dict[int, int] = {}
    toggle = bus.map.register("status").field("toggle").mask
    for wrong in (False, True):
        for entry in bus.map.registers:
            for enables in range(15 if entry.access.writable else 16) if wrong else ():
                data = 0x9E3779B9 * (enables + 1) & _ALL
                await bus.access(entry.address, write=1, writedata=data, byteenable=enables)
            for address in entry.addresses:
                word = await bus.word(address)
                word &= ~toggle if entry.name == "status" else _ALL
                compare(f"{entry.name} after refused writes", before.setdefault(address, word), word)
            if not entry.access.readable:
                compare(entry.name, 0, before[entry.address])
    # What is illegal sets its flag and runs nothing; a clear takes everything back.
    await bus.write("config", fields.encode(limit=design.model.block_size, temperature=0x80))
    await bus.write("control", 1)
    await bus.idle()
    compare("status", {"done": 1, "error": 1, "error illegal_batch": 1}, await status())
    compare("steps", seen["steps"], await bus.counter("step_count"))
    await bus.write("config", fields.encode(limit=1, temperature=0x80))
    await bus.write("count", 1_000_000)
    for _ in range(3):
        await bus.write("control", 1)
    # The first of them took the flag back; the third came while the second waited.
    await Timer(2000 * period_ps(design.clock_hz), "ps")
    compare("status", {"busy": 1, "error": 1, "waiting": 1, "error busy": 1}, await status())
    left = await bus.read("left")
    compare("left is falling", True, 0 < left < 1_000_000)
    await bus.write("control", 2)
    compare("status", {"ready": 1}, await status())
    for name in ("step_count", "digest", "left"):
        compare(name, 0, await bus.read(name))
    config.add(Findings(tests=(test,), counted=(), steps=steps, values=values, mismatch=None, counters=seen))
