"""Memories that Quartus cannot put into a block are found in generated Verilog, each for what is wrong with it."""

from __future__ import annotations

import re

import pytest
from amaranth.back import verilog
from amaranth.hdl import Module, Signal
from amaranth.lib.memory import Memory

from hdl.boards.de1_soc.memories import VerilogMemory, find_memories, problems, unset_registers
from hdl.boards.de1_soc.platform import De1SocPlatform
from hdl.device.cyclone_v import ram_style


def convert(domain: str, ramstyle: str | None = "M10K", writes: bool = True) -> str:
    """Return the Verilog of a memory of 4 words of 8 bits, made by the back end that the board uses."""
    m = Module()
    attributes = {} if ramstyle is None else {"ramstyle": ramstyle}
    m.submodules.memory = memory = Memory(shape=8, depth=4, init=[1, 2, 3, 0], attrs=attributes)
    read = memory.read_port(domain=domain)
    address, data, out = Signal(2), Signal(8), Signal(8)
    m.d.comb += [read.addr.eq(address), out.eq(read.data)]
    if writes:
        write = memory.write_port()
        m.d.comb += [write.addr.eq(address), write.data.eq(data), write.en.eq(1)]
    text: str = verilog.convert(m, ports=[address, data, out], emit_src=False)
    return text


def only(text: str) -> VerilogMemory:
    """Return the one memory of a file."""
    (memory,) = find_memories(text)
    return memory


def test_block() -> None:
    memory = only(convert("sync"))
    assert (memory.depth, memory.width, memory.style) == (4, 8, "M10K")
    assert (memory.reads, memory.writes, memory.undefined, memory.other_uses) == (1, 1, (), ())
    assert problems(memory) == []
    rom = only(convert("sync", writes=False))
    assert (rom.reads, rom.writes) == (1, 0)
    assert problems(rom) == []


def test_a_name_that_ends_like_a_memory() -> None:
    text = convert("sync").replace("endmodule", "  assign x = \\payload.memory[0] ;\nendmodule")
    assert only(text).other_uses == ()


def test_asynchronous_read() -> None:
    found = problems(only(convert("comb")))
    assert len(found) == 2
    assert "must be read and written at clock edges only, not in 'assign " in found[0]
    assert found[1].endswith("must be read into a register")


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('ramstyle = "M10K"', 'ramstyle = "M1OK"', "must have a ramstyle of M10K or MLAB, not 'M1OK'"),
        ("[2] = 8'h03;", "[2] = 8'hxx;", "word 2 has none"),
        ("    memory[3] = 8'h00;\n", "", "must have a value in every word; word 3 has none"),
    ],
)
def test_defects(old: str, new: str, text: str) -> None:
    verilog_text = convert("sync")
    assert old in verilog_text
    found = problems(only(verilog_text.replace(old, new)))
    assert any(text in line for line in found), found


def test_without_style() -> None:
    assert problems(only(convert("sync", ramstyle=None)))[0].endswith("must have a ramstyle of M10K or MLAB, not ''")


def test_unset_registers() -> None:
    """Amaranth gives every register a value; without it a register is found, a memory's read register is not."""
    m = Module()
    count = Signal(8, init=3)
    step = Signal()
    m.d.sync += [count.eq(count + step), step.eq(~step)]
    text = verilog.convert(m, ports=[count], emit_src=False)
    assert unset_registers(text + convert("sync")) == []
    without = re.sub(r"(reg (?:\[7:0\] )?(?:count|step)) = .*;", r"\1;", text)
    assert unset_registers(convert("sync") + without) == ["top.count", "top.step"]


@pytest.mark.parametrize(
    ("depth", "width", "style"),
    [(32, 20, "MLAB"), (33, 20, "M10K"), (32, 21, "M10K"), (16, 256, "M10K"), (4096, 1, "M10K")],
)
def test_style(depth: int, width: int, style: str) -> None:
    """The platform gives every memory a style, and leaves one that has its own alone."""
    assert ram_style(depth, width) == style
    memory = Memory(shape=width, depth=depth, init=[])
    memory.read_port()
    De1SocPlatform().get_memory(memory)
    assert memory.attrs == {"ramstyle": style}
    own = Memory(shape=width, depth=depth, init=[], attrs={"ramstyle": "logic"})
    De1SocPlatform().get_memory(own)
    assert own.attrs == {"ramstyle": "logic"}
