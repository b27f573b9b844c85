"""The board: its pins, and small cores of both kinds on it that need no host."""

from __future__ import annotations

import itertools
import re
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from cosim.engine.cells import MULT18X18D
from cosim.engine.icarus_source import adapt
from cosim.engine.simulators import find_program
from cosim.host.check import expected_names
from hdl.boards.parts import batch_demo
from hdl.boards.parts.digest_text import digest_line
from hdl.boards.parts.leds import LEDS
from hdl.boards.parts.serial_protocol import Status, find_frame, parse_answer, read_request
from hdl.boards.ulx3s.platform import BOARDS, PROJECT, Ulx3sPlatform
from hdl.boards.ulx3s.project import plan_files
from hdl.boards.ulx3s.top import BoardTop
from hdl.build_cache import build_id
from hdl.core.estimate import memories
from hdl.design import Design
from hdl.device.ecp5 import DEVICES
from hdl.device.yosys import run_yosys
from hdl.registers.map import register_map
from talos_ref.golden.batched import replay
from talos_ref.golden.digest import add_steps
from tests.helpers.barrel_designs import small_barrel
from tests.helpers.tiny_design import tiny_design

BOARD = BOARDS["ulx3s-85f"]
# ULX3S schematic 3.1.7, sheets of the FPGA's banks: oscillator, DIP switch, buttons, FT231X, LEDs.
PINS = {
    "clk25_0__io": "G2", "switch_0__io": "E8", "button_fire_0__io": "R1",
    "uart_0__rx__io": "M1", "uart_0__tx__io": "L4",
    **{f"led_{number}__io": pin for number, pin in enumerate(["B2", "C2", "C1", "D2", "D1", "E2", "E1", "H3"])},
}  # fmt: skip


DESIGNS = {"one stream": tiny_design, "several streams": small_barrel}
KINDS = pytest.mark.parametrize("kind", DESIGNS)


@cache
def files(kind: str) -> dict[str, str]:
    """What the tools get of a kind of core, name -> text."""
    return plan_files(DESIGNS[kind](), BOARD, 6)


@KINDS
def test_pins(kind: str) -> None:
    """Every port has its pin and standard, and no other; the clock is named."""
    pins = dict(re.findall(r'^LOCATE COMP "(\w+)" SITE "(\w+)";$', files(kind)["top.lpf"], re.M))
    assert pins == PINS
    assert files(kind)["top.lpf"].count("IO_TYPE=LVCMOS33") == len(PINS)
    assert 'FREQUENCY PORT "clk25_0__io" 25000000.0 HZ;' in files(kind)["top.lpf"]


def test_pll() -> None:
    """The instance has the dividers of the design's clock."""
    text = plan_files(replace(tiny_design(), clock_hz=40_000_000), BOARD, 6)["top.il"]
    cell = re.search(r"^  cell \\EHXPLLL .*?^  end$", text, re.M | re.S)
    assert cell is not None
    found = dict(re.findall(r"^    parameter \\(CLK\w+_DIV) (\d+)$", cell[0], re.M))
    assert found == {"CLKI_DIV": "1", "CLKFB_DIV": "1", "CLKOS_DIV": "24", "CLKOP_DIV": "15"}
    assert 'attribute \\FREQUENCY_PIN_CLKOP "40"' in text


@KINDS
def test_no_memory_has_another_devices_attribute(kind: str) -> None:
    assert "ramstyle" not in files(kind)["top.il"]
    assert "cyclonev" not in files(kind)["top.il"]


def test_shallow_memories_are_in_tables() -> None:
    """As many as the estimate takes for such."""
    text, core = files("several streams")["top.il"], small_barrel().core
    shallow = [memory.name for memory in memories(core) if memory.written and BOARD.chip.blocks(memory.depth, 999) == 0]
    assert text.count('attribute \\ram_style "distributed"') == len(shallow) == 12


def test_grades() -> None:
    assert "--speed 8" in plan_files(tiny_design(), BOARD, 8)["build_top.sh"]
    with pytest.raises(ValueError, match=r"^grade must be 6, 7 or 8, not 5$"):
        Ulx3sPlatform(BOARD, 5)


@pytest.mark.parametrize("part", DEVICES)
def test_sizes(part: str) -> None:
    """The board that is sold with a part is told to nextpnr."""
    name = next(name for name, device in BOARDS.items() if device.part == part)
    assert name == f"ulx3s-{part[-3:].lower()}"
    platform = Ulx3sPlatform(BOARDS[name])
    assert (platform.device, platform.speed) == (part, "6")


BIT_CYCLES = 8
REQUEST = read_request(7, register_map(tiny_design().model).register("clock").address, 2)

_BENCH = """\
`timescale 1ns/1ps
module bench;
reg clk = 0, switch = 0, button = 0, rx = 1;
wire tx;
wire [7:0] led;
integer cycle = 0, place, number, heard;
reg [8*{count}-1:0] request = {count}*8'h{request};
reg [7:0] received;
top board(.clk25_0__io(clk), .switch_0__io(switch), .button_fire_0__io(button), .uart_0__rx__io(rx),
  .uart_0__tx__io(tx), {leds});
always #5 clk = ~clk;
always @(posedge clk) cycle = cycle + 1;
always @(led) $display("%0d %b", cycle, led);
always @(negedge tx) begin
  #({bit} / 2);
  for (heard = 0; heard < 8; heard = heard + 1) #{bit} received[heard] = tx;
  $display("byte %h", received);
  #{bit};
end
initial begin
  #1000 switch = 1;
  #{demo} button = 1;
  // The registers answer in a reset too.
  for (place = {count} - 1; place >= 0; place = place - 1) begin
    rx = 0;
    for (number = 0; number < 8; number = number + 1) #{bit} rx = request[8 * place + number];
    #{bit} rx = 1;
    #{bit};
  end
  #20000 button = 0;
  #20000 $finish;
end
endmodule
"""


def _simulate(folder: Path, design: Design, *, demo_cycles: int, cycles: int) -> list[str]:
    """Return what a bench prints: lights whenever one changes, and each byte on the serial line.

    The demo may run for so many ``cycles``; the registers are read then.
    """
    top = BoardTop(design, demo_cycles=demo_cycles, baud=design.clock_hz // BIT_CYCLES)
    plan = Ulx3sPlatform(BOARD).prepare(top, PROJECT, emit_src=False)
    (folder / "top.il").write_text(str(plan.files["top.il"]))
    done = run_yosys(["-q", "-p", "read_rtlil top.il; proc; write_verilog -noattr top.v"], folder)
    assert done.returncode == 0, done.stdout
    (folder / "top.v").write_text(adapt((folder / "top.v").read_text()))
    leds = ", ".join(f".led_{number}__io(led[{number}])" for number in range(8))
    values = {"leds": leds, "count": str(len(REQUEST)), "bit": str(10 * BIT_CYCLES), "demo": str(10 * cycles)}
    text = _BENCH.replace("{count}*8'h{request}", f"{8 * len(REQUEST)}'h{REQUEST.hex()}")
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    (folder / "bench.v").write_text(text)
    (folder / "cells.v").write_text((Path(__file__).parent / "cells.v").read_text())
    command = [find_program("iverilog"), "-g2012", "-s", "bench", "-o", "bench.vvp", "top.v", "cells.v", "bench.v"]
    command.append(str(MULT18X18D))
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    command = [find_program("vvp"), "-n", "bench.vvp"]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.splitlines()


def _line(said: list[str], design: Design) -> str:
    """Return the text on the serial line; in it the registers have answered."""
    found = find_frame(bytes.fromhex("".join(line.removeprefix("byte ") for line in said if line.startswith("byte"))))
    assert found is not None
    answer = parse_answer(found[1])
    assert answer is not None
    assert (answer.status, answer.sequence) == (Status.DONE, 7)
    assert answer.words == (56_250_000, build_id(design))
    return found[0].decode()


def test_names_on_the_lights_and_registers_on_the_line(tmp_path: Path) -> None:
    """The switch starts a name every 3,000 cycles; the button is a reset, in which a host is answered."""
    said = _simulate(tmp_path, tiny_design(), demo_cycles=3000, cycles=15_000)
    changes = [line.split() for line in said if re.fullmatch(r"\d+ [01]{8}", line)]
    lights = [(int(cycle), dict(zip(LEDS, reversed(bits), strict=False))) for cycle, bits in changes]
    started = [
        cycle
        for (_, before), (cycle, after) in itertools.pairwise(lights)
        if (before["busy"], after["busy"]) == ("0", "1")
    ]
    # A bench of 10 ns: the switch at cycle 100, the button at 15,100. The demo counts from the first reset on, and a
    # name is due at once.
    during = [cycle for cycle in started if cycle < 15_100]
    assert len(during) == 6, started
    assert 100 < during[0] < 200
    assert {later - earlier for earlier, later in itertools.pairwise(during[1:])} == {3000}
    pressed = [values["running"] for cycle, values in lights if 15_100 <= cycle <= 15_110]
    assert pressed[-1] == "0"
    assert lights[-1][1]["running"] == "1"
    assert {values["enable"] for cycle, values in lights if cycle < 100} == {"0"}

    # The line that was under way when the button was pressed may be cut off.
    model = tiny_design().model
    lines = _line(said, tiny_design()).split("\r\n")[:5]
    names = expected_names(tiny_design(), range(1, 6), 0x80, model.max_letters)
    assert lines == [model.decode([step.token_out for step in name if step.token_out != model.bos]) for name in names]


def test_the_digest_of_a_batch_on_the_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A core with several streams writes what the golden model draws of the same seeds; here of fewer."""
    design, seeds = small_barrel(), range(1, 65)
    monkeypatch.setattr(batch_demo, "BATCH_NAMES", len(seeds))
    said = _simulate(tmp_path, design, demo_cycles=1 << 20, cycles=6_500)
    drawn = replay(design.checkpoint, design.arithmetic, seeds, 0x80)
    steps = zip((1 + drawn.seed_index).tolist(), drawn.pos.tolist(), drawn.token_out.tolist(), strict=True)
    assert _line(said, design) == digest_line(1, add_steps(0, steps)).decode()
