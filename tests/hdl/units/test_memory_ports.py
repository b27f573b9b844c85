"""Ports have the same names under every Python; a word is there a cycle after its address."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth import tracer
from amaranth.back import rtlil
from amaranth.hdl import Elaboratable, Module
from amaranth.lib.memory import Memory
from amaranth.sim import Simulator

from hdl.units.memory_ports import read_port, write_port


class Bench(Elaboratable):
    """A memory of four words, with a port of each kind."""

    def __init__(self) -> None:
        self.memory = Memory(shape=8, depth=4, init=[5, 6, 7, 8])
        self.read, self.write = read_port(self.memory), write_port(self.memory)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = self.memory
        return m


def text() -> str:
    bench = Bench()
    ports = [bench.read.addr, bench.read.en, bench.read.data, bench.write.addr, bench.write.en, bench.write.data]
    return str(rtlil.convert(bench, ports=ports, emit_src=False))


def test_names(monkeypatch: pytest.MonkeyPatch) -> None:
    known = text()
    assert all(f"\\{port}__{field}" in known for port in ("read", "write") for field in ("addr", "data", "en"))
    monkeypatch.setattr(tracer, "get_var_name", lambda *_, **__: "from_bytecode")
    assert text() == known


def test_words() -> None:
    bench = Bench()
    seen: list[int] = []

    async def drive(ctx: Any) -> None:
        ctx.set(bench.write.addr, 2)
        ctx.set(bench.write.data, 99)
        ctx.set(bench.write.en, 1)
        await ctx.tick()
        ctx.set(bench.write.en, 0)
        for address in range(4):
            ctx.set(bench.read.addr, address)
            await ctx.tick()
            seen.append(ctx.get(bench.read.data))

    simulator = Simulator(bench)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.run()
    assert seen == [5, 6, 99, 8]
