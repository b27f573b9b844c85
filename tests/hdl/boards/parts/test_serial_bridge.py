"""The bridge in Verilator, on a memory with random waits, against a host that sends whatever a line can bring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from amaranth.back import verilog
from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from cosim.engine.compile import compile_verilog
from cosim.engine.run import run
from cosim.engine.simulators import Simulator
from hdl.boards.parts.serial_bridge import SerialBridge
from talos_ref.files import build_root
from tests.helpers.streams import seed

WORDS = 1024


class OnMemory(wiring.Component):
    """The bridge before 1,024 words; ``wrote`` turns over with each write, of ``word`` to ``address``."""

    def __init__(self, clock_hz: int, baud: int) -> None:
        self.bridge = SerialBridge(clock_hz=clock_hz, baud=baud)
        super().__init__(
            {
                "rx": In(1), "tx": Out(1), "text": In(stream.Signature(8)),
                "wrote": Out(1), "address": Out(10), "word": Out(32), "accesses": Out(16),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.bridge = bridge = self.bridge
        m.submodules.memory = memory = Memory(shape=32, depth=WORDS, init=[])
        reads, writes = memory.read_port(), memory.write_port()
        bus: Any = bridge.bus
        wrote, address, word = (Signal.like(port, reset_less=True) for port in (self.wrote, self.address, self.word))
        m.d.comb += [self.wrote.eq(wrote), self.address.eq(address), self.word.eq(word)]
        # Three in four cycles wait, and an answer takes up to four.
        noise, valid = Signal(16, init=0xACE1), Signal(4)
        m.d.sync += noise.eq(Cat(noise[1:], noise[0] ^ noise[2] ^ noise[3] ^ noise[5]))
        taken = Signal()
        m.d.comb += [
            bridge.rx.eq(self.rx), self.tx.eq(bridge.tx),
            bus.waitrequest.eq(noise[:2].any() | valid.any()),
            taken.eq((bus.read | bus.write) & ~bus.waitrequest),
            reads.addr.eq(bus.address[2:]), reads.en.eq(bus.read & taken), bus.readdata.eq(reads.data),
            writes.addr.eq(bus.address[2:]), writes.data.eq(bus.writedata), writes.en.eq(bus.write & taken),
            bus.readdatavalid.eq(valid[0]),
        ]  # fmt: skip
        m.d.sync += valid.eq(valid >> 1)
        with m.If(taken):
            m.d.sync += self.accesses.eq(self.accesses + 1)
            with m.If(bus.read):
                m.d.sync += valid.eq(1 << noise[8:10])
            with m.Else():
                m.d.sync += [wrote.eq(~wrote), address.eq(bus.address[2:]), word.eq(bus.writedata)]
        wiring.connect(m, wiring.flipped(self.text), bridge.text)
        return m


@pytest.mark.parametrize(
    ("clock_hz", "baud", "tests"),
    [
        # The shortest bit that there is, and one that is no whole number of cycles.
        (8_000_000, 1_000_000, "jitter|damage|noise|retries|longest|refusals|resets|text"),
        (10_300_000, 1_000_000, "jitter|longest"),
    ],
)
def test_bridge(clock_hz: int, baud: int, tests: str, tmp_path: Path) -> None:
    source = tmp_path / "bridge.v"
    source.write_text(verilog.convert(OnMemory(clock_hz, baud), name="bridge", emit_src=False))
    model = compile_verilog(Simulator.VERILATOR, [source], "bridge", build_root() / "test" / "serial_bridge")
    env = {"TALOS_TEST_SEED": str(seed()), "BIT_CYCLES": str(clock_hz / baud)}
    found = run(model, "tests.helpers.bench_serial", tmp_path / "run", env=env, test_filter=tests)
    assert len(found.tests) == len(tests.split("|"))


@pytest.mark.parametrize(
    ("clock_hz", "baud", "error", "text"),
    [
        (56.25e6, 115200, TypeError, "clock_hz must be an integer, not 56250000.0"),
        (56_250_000, "115200", TypeError, "baud must be an integer, not '115200'"),
        (56_250_000, 8_000_000, ValueError, "baud must be 1 to 7031250 at a clock of 56250000 Hz, not 8000000"),
        (56_250_000, 0, ValueError, "baud must be 1 to 7031250 at a clock of 56250000 Hz, not 0"),
        (7, 1, ValueError, "clock_hz must be 8 or more, not 7"),
    ],
)
def test_refused(clock_hz: Any, baud: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as raised:
        SerialBridge(clock_hz=clock_hz, baud=baud)
    assert str(raised.value) == text
