"""A register of one bit in several flip-flops: a cycle late, and still several after synthesis."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from amaranth.back import verilog
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl.device.yosys import run_yosys
from hdl.registers.voted import voted_register
from tests.helpers.streams import run, seed


class Bit(wiring.Component):
    """One such register."""

    def __init__(self) -> None:
        super().__init__({"i": In(1), "o": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        following, voted = voted_register(m, "bit")
        m.d.comb += [following.eq(self.i), self.o.eq(voted)]
        return m


def test_a_cycle_late() -> None:
    bit, draw = Bit(), random.Random(seed())

    async def bench(ctx: Any) -> None:
        for _ in range(200):
            value = draw.getrandbits(1)
            ctx.set(bit.i, value)
            await ctx.tick()
            assert ctx.get(bit.o) == value

    run(bit, bench)


def test_synthesis_keeps_every_flip_flop(tmp_path: Path) -> None:
    (tmp_path / "bit.v").write_text(verilog.convert(Bit(), name="bit", emit_src=False))
    script = "read_verilog bit.v; synth_ecp5 -top bit; select -assert-count 4 t:TRELLIS_FF"
    assert run_yosys(["-q", "-p", script], tmp_path).returncode == 0
