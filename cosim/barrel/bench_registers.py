"""Bench of the simulated board: batches through registers, no letter read; counters and digest against host_c's."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import cocotb

from cosim.barrel.batch import Batch
from cosim.core.bench_config import BenchConfig, Findings
from cosim.core.checker import Mismatch
from cosim.core.cocotb_pins import running_test
from cosim.registers.cocotb_pins import SystemPins
from cosim.registers.initiator import ANSWERS, Initiator
from cosim.registers.traffic import every_register, words_of
from hdl.build_cache import build_id
from hdl.design import Design
from hdl.registers.batch_map import BATCH_VERSION, batch_map
from hdl.registers.core_name import core_name
from hdl.registers.published import ID
from host_c import Model
from host_c.binding.digest import digest

__all__ = ["digests"]

_PAUSE_CYCLES = 2000


class _BatchHost(Initiator):
    """Reads and compares; the first difference is written to the findings and ends the test."""

    def __init__(self, pins: SystemPins, design: Design, config: BenchConfig) -> None:
        super().__init__(pins, batch_map(design.model, design.arithmetic.logit))
        self._system, self._core, self._config = pins, design.name, config
        self.steps, self.values = 0, 0
        self.counters: dict[str, int] = {}

    def compare(self, what: str, expected: Any, actual: Any, seed: int = 0) -> None:
        """Compare a value; Mismatch if it is another."""
        self.values += 1
        if expected != actual:
            kind = self._config.simulator
            mismatch = Mismatch(self._core, kind, running_test(), seed, 0, "REGISTERS", what, expected, actual)
            self.end(mismatch)
            raise mismatch

    def end(self, mismatch: Mismatch | None = None) -> None:
        """Write the findings."""
        found = None if mismatch is None else mismatch.to_json()
        self._config.add(
            Findings(tests=(running_test(),), counted=(), steps=self.steps, values=self.values, mismatch=found,
                     counters=self.counters)
        )  # fmt: skip

    def wrong(self, what: str, expected: str, actual: str) -> None:
        """See `Initiator`."""
        self.compare(what, expected, actual)

    async def counter(self, name: str) -> int:
        """Return a counter of two words."""
        return await self.get(name) | await self.get(name, 1) << 32

    async def status(self) -> dict[str, int]:
        """Return the fields of status that are 1, and those of error, without the one that tells of accesses."""
        state = self.registers.register("status").decode(await self.get("status"))
        causes = self.registers.register("error").decode(await self.get("error"))
        state |= {f"error {name}": value for name, value in causes.items()}
        return {name: value for name, value in state.items() if value and name != "toggle"}

    async def pause(self) -> None:
        """Let the simulator run without Python for some time, with nothing on the bus."""
        await self.cycle()
        await self._system.sleep(_PAUSE_CYCLES)
        self.now += _PAUSE_CYCLES

    async def until_idle(self) -> None:
        """Ask from time to time until the core is idle."""
        busy = self.registers.register("status").field("busy")
        while busy.extract(await self.get("status")):
            await self.pause()


@cocotb.test()
async def digests(dut: Any) -> None:
    """Run every batch of the configuration; then what is refused, and a clear."""
    config = BenchConfig.from_environment()
    design = Design.load(Path(config.design))
    pins, model = SystemPins(dut, design.clock_hz, ANSWERS), Model(design)
    await pins.start()
    host = _BatchHost(pins, design, config)
    try:
        await _identity(host, design)
        for batch in config.batches:
            await _batch(host, model, design.arithmetic.sampler.honoured(batch.temperature), batch)
        await _refused_writes(host, random.Random(int(cocotb.RANDOM_SEED)))
        await _refused_batches(host, design)
    except RuntimeError as error:
        host.compare("the run", "going on", str(error))
    host.end()


async def _identity(host: _BatchHost, design: Design) -> None:
    """What the registers say after a reset."""
    identity = {"id": ID, "version": BATCH_VERSION, "streams": design.core.streams, "build": build_id(design),
                "clock": design.clock_hz, "machine": 0b10}  # fmt: skip
    for name, value in identity.items():
        host.compare(name, value, await host.get(name))
    host.compare("status", {"ready": 1}, await host.status())
    words = [await host.get("core_name", index) for index in range(4)]
    host.compare("core_name", design.name, core_name(words))


async def _batch(host: _BatchHost, model: Model, temperature: int, batch: Batch) -> None:
    """Steps, letters and digest of a batch are host_c's, which draws with the ``temperature`` that is honoured."""
    await host.set("seed", value=batch.seed)
    await host.set("count", value=batch.count)
    await host.set("config", limit=batch.limit, temperature=batch.temperature)
    await host.set("control", start=1)
    await host.until_idle()
    wanted = digest(model, batch.seed, batch.count, temperature / 256, batch.limit, threads=1)
    host.counters = {
        name: await host.counter(register)
        for name, register in (("cycles", "cycles"), ("steps", "step_count"), ("letters", "letter_count"))
    }
    host.compare("steps", wanted.steps, host.counters["steps"], batch.seed)
    host.compare("letters", wanted.letters, host.counters["letters"], batch.seed)
    host.counters["digest"] = await host.get("digest")
    host.compare("digest", wanted.digest, host.counters["digest"], batch.seed)
    host.steps += wanted.steps
    host.compare("left", 0, await host.get("left"))
    host.compare("status", {"done": 1}, await host.status())


async def _refused_writes(host: _BatchHost, generator: random.Random) -> None:
    """A write in part, or to what is read only, changes nothing, and what is write only reads as 0."""
    entries = host.registers.registers
    before = {address: word for entry in entries for address, word in (await words_of(host, entry)).items()}
    after = await every_register(host, generator)
    toggle = host.registers.register("status").field("toggle").mask
    for entry in entries:
        for address in entry.addresses:
            change = before[address] ^ after[address]
            change &= ~toggle if entry.name == "status" else ~0
            host.compare(f"{entry.name} after refused writes", before[address], before[address] ^ change)
        if not entry.access.readable:
            host.compare(entry.name, 0, before[entry.address])


async def _refused_batches(host: _BatchHost, design: Design) -> None:
    """What is illegal sets its flag and runs nothing; a clear takes everything back."""
    steps = await host.counter("step_count")
    await host.set("config", limit=design.model.block_size, temperature=0x80)
    await host.set("control", start=1)
    await host.until_idle()
    host.compare("status", {"done": 1, "error": 1, "error illegal_batch": 1}, await host.status())
    host.compare("steps", steps, await host.counter("step_count"))
    await host.set("config", limit=1, temperature=0x80)
    await host.set("count", value=1_000_000)
    for _ in range(3):
        await host.set("control", start=1)
    # The first of them took the flag back; the third came while the second waited.
    await host.pause()
    host.compare("status", {"busy": 1, "error": 1, "waiting": 1, "error busy": 1}, await host.status())
    left = await host.get("left")
    host.compare("left is falling", True, 0 < left < 1_000_000)
    await host.set("control", clear=1)
    host.compare("status", {"ready": 1}, await host.status())
    for name in ("step_count", "digest", "left"):
        host.compare(name, 0, await host.get(name))
