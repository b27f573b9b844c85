"""Where memories go on the ECP5: Yosys makes as many blocks of them as the estimate counts."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl.core.barrel.memory import block_memory, block_rom
from hdl.device.ecp5 import DEVICES, TABLE_DEPTH
from hdl.device.ecp5_netlist import prepare_commands
from hdl.device.ecp5_target import ECP5
from hdl.device.target import DevicePlatform
from hdl.device.yosys import run_yosys

CHIP = DEVICES["LFE5U-85F"].chip
# Rows of streams, and the widest word at the limit; then some that fill their blocks.
SHALLOW, DEEP = [(8, 12), (32, 296)], [(128, 256), (512, 36), (2048, 18)]


class Memories(wiring.Component):
    """Of each shape a memory that is written, and one of words without a pattern that is only read."""

    def __init__(self, shapes: list[tuple[int, int]]) -> None:
        self.shapes = shapes
        ports = {f"o{index}": Out(2 * width) for index, (_, width) in enumerate(shapes)}
        super().__init__({"address": In(11), "enable": In(1), "i": In(512), **ports})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for index, (depth, width) in enumerate(self.shapes):
            write, read = block_memory(m, platform, f"written{index}", width, depth)
            draw = random.Random(index)
            constant = block_rom(m, f"constant{index}", width, [draw.getrandbits(width) for _ in range(depth)])
            m.d.comb += [
                *(port.addr.eq(self.address) for port in (write, read, constant)),
                write.en.eq(self.enable),
                write.data.eq(self.i),
                getattr(self, f"o{index}").eq(read.data << width | constant.data),
            ]
        return m


class Switch(wiring.Component):
    """A table of 256 words of 30 bits, written as a switch, with a register behind it."""

    def __init__(self) -> None:
        super().__init__({"address": In(8), "o": Out(30)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        draw = random.Random(1)
        word = Signal(30)
        with m.Switch(self.address):
            for place in range(256):
                with m.Case(place):
                    m.d.comb += word.eq(draw.getrandbits(30))
        m.d.sync += self.o.eq(word)
        return m


def cells_of(top: wiring.Component, commands: str, folder: Path) -> dict[str, int]:
    """Return cell -> number after some commands of Yosys."""
    (folder / "top.il").write_text(rtlil.convert(top, name="top", platform=DevicePlatform(ECP5), emit_src=False))
    done = run_yosys(["-p", f"read_rtlil top.il; {commands}; tee -q -o stat.json stat -json"], folder)
    assert done.returncode == 0, done.stdout[-2000:]
    cells: dict[str, int] = json.loads((folder / "stat.json").read_text())["design"]["num_cells_by_type"]
    return cells


def test_a_switch_stays_in_tables(tmp_path: Path) -> None:
    """Yosys makes a memory of a switch, and of one so deep a block, unless it is told."""
    synthesis = "synth_ecp5 -top top -run begin:map_ffram"
    for prepare, blocks in (("hierarchy -top top; proc; flatten", 1), (prepare_commands("top"), 0)):
        assert cells_of(Switch(), f"{prepare}; {synthesis}", tmp_path).get("DP16KD", 0) == blocks


def test_blocks_and_tables(tmp_path: Path) -> None:
    assert max(depth for depth, _ in SHALLOW) == TABLE_DEPTH
    found = []
    for shapes in (SHALLOW, DEEP):
        cells = cells_of(Memories(shapes), "synth_ecp5 -top top -run begin:map_ffram", tmp_path)
        found.append((cells.get("DP16KD", 0), "TRELLIS_DPR16X4" in cells))
    blocks = sum(2 * CHIP.blocks(depth, width) for depth, width in DEEP)
    assert found == [(0, True), (blocks, False)]
    assert not any(CHIP.blocks(depth, width) for depth, width in SHALLOW)
