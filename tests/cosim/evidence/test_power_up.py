"""From X and from random registers through a reset: the rewriting, and tile16, right and with a reset taken out."""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path

import pytest

from cosim.core.checker import Mismatch
from cosim.core.verify import Generated
from cosim.engine.simulators import SimulatorError, find_program
from cosim.evidence.commands import check_random, check_unknown
from cosim.evidence.power_up import pessimistic, without_initial_values
from tests.helpers.cosim_designs import generated
from tests.helpers.designs import published

SMALL = """\
module piece(clk, rst, a, y, z);
  input clk;
  wire clk;
  input rst;
  wire rst;
  input [3:0] a;
  wire [3:0] a;
  output [3:0] y;
  reg [3:0] y = 4'h0;
  (* init = 8'h05 *)
  output [7:0] z;
  reg [7:0] z = 8'h05;
  reg \\state  = 1'h1;
  reg [3:0] \\kept$1  [1:0];
  initial begin
    \\kept$1 [0] = 4'h1;
    \\kept$1 [1] = 4'h2;
  end
  reg [3:0] fixed [1:0];
  initial begin
    fixed[0] = 4'h3;
    fixed[1] = 4'h4;
  end
  always @(posedge clk) begin
    \\kept$1 [a[0]] <= a;
    \\state  <= a[3];
    if (\\state ) y <= 4'h9;
    else y <= fixed[a[0]];
    if (rst) z <= 8'h00;
    else z <= z + \\kept$1 [a[1]] * a[0];
  end
endmodule
"""


def test_initial_values_go_but_read_only_memories_stay() -> None:
    text = without_initial_values(SMALL)
    assert "initial begin\n    fixed[0]" in text
    assert re.findall(r"^.* = .*$", text, re.M) == ["    fixed[0] = 4'h3;", "    fixed[1] = 4'h4;"]
    assert text.count("\n") == SMALL.count("\n") - 5


def test_text_without_initial_values_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^verilog must have registers with initial values, as Amaranth writes them"):
        without_initial_values("module none();\nendmodule\n")


def _simulated(source: Path) -> list[str]:
    """Return y and z, as Icarus shows them, after each of the clock edges of a bench."""
    (source.parent / "bench.v").write_text(
        "module bench;\nreg clk = 0, rst = 0; reg [3:0] a = 0; wire [3:0] y; wire [7:0] z;\n"
        "piece s(.clk(clk), .rst(rst), .a(a), .y(y), .z(z));\n"
        'task step(input [3:0] value); begin a = value; #1 clk = 1; #1 clk = 0; $display("%b %b", y, z); end endtask\n'
        "initial begin\nstep(0); rst = 1; step(2); rst = 0; step(2); step(0); step(9); step(10); step(10); $finish;\n"
        "end\nendmodule\n"
    )
    command = [find_program("iverilog"), "-g2012", "-s", "bench", "-o", "bench.vvp", source.name, "bench.v"]
    subprocess.run(command, cwd=source.parent, check=True)
    command = [find_program("vvp"), "bench.vvp"]
    return subprocess.run(command, cwd=source.parent, check=True, capture_output=True, text=True).stdout.splitlines()


def test_an_unknown_condition_shows(tmp_path: Path) -> None:
    """``if`` hides an unknown register, the multiplexer form does not; 0 times an unknown word is 0."""
    plain, form = tmp_path / "small.v", tmp_path / "small.mux.v"
    plain.write_text(without_initial_values(SMALL))
    hidden = _simulated(plain)
    plain.write_text(SMALL)
    pessimistic(plain, "piece", form)
    shown = _simulated(form)
    # The state is unknown at the first edge: 9 or 3 are 1001 or 0011.
    assert (hidden[0], shown[0]) == ("0011 xxxxxxxx", "x0x1 xxxxxxxx")
    # Word 1 was never written, and is multiplied by 0.
    assert shown[1:4] == ["0011 00000000", "0011 00000000", "0011 00000000"]
    assert hidden[2].endswith("xxxxxxxx")
    # Word 0 is 10 by then; state set: 9.
    assert shown[-1].startswith("1001")


def test_verilog_that_yosys_refuses_is_reported(tmp_path: Path) -> None:
    (tmp_path / "small.v").write_text(SMALL)
    with pytest.raises(SimulatorError, match=r"(?s)^yosys could not rewrite .*small\.v: .*Module `other' not found"):
        pessimistic(tmp_path / "small.v", "other", tmp_path / "other.v")


def _copy(folder: Path, text: str | None = None) -> Generated:
    """Return tile16, or other Verilog in its place, in a folder of its own."""
    text = generated("tile16").path.read_text() if text is None else text
    path = folder / "tile16.v"
    path.write_text(text)
    return Generated(published("tile16"), path, hashlib.sha256(text.encode()).hexdigest(), folder=folder)


def _without_reset(verilog: str, module: str, register: str) -> str:
    """Return Verilog in which a register of a module is not reset."""
    begin = re.search(rf"^module \\?{re.escape(module)} ?\(", verilog, re.M)
    assert begin is not None
    end = verilog.index("endmodule", begin.end())
    reset = r"    if \(rst\) begin\n.*\n    end\n  end\n"
    block = re.compile(rf"^  always @\* begin\n.*\n    \S+ +(?:\[\d+\] )?= {register} ?;\n(?:    .*\n)*?{reset}", re.M)
    match = block.search(verilog, begin.end(), end)
    assert match is not None, f"{register} of {module} is not reset"
    return verilog[: match.start()] + re.sub(reset, "  end\n", match[0]) + verilog[match.end() :]


def test_unknown_registers(tmp_path: Path) -> None:
    found = check_unknown(published("tile16"), generated=_copy(tmp_path))
    # Three names of the configuration; one before and three after the interruptions.
    assert len(found.counted) == 7
    assert found.mismatch is None
    assert found.values > 34 * found.steps


@pytest.mark.parametrize(("module", "register"), [("control", "error"), ("control", "cached"), ("sampler", "o__valid")])
def test_an_unknown_register_without_reset_is_found(module: str, register: str, tmp_path: Path) -> None:
    wrong = _copy(tmp_path, _without_reset(generated("tile16").path.read_text(), f"tile16.{module}", register))
    with pytest.raises(Mismatch, match=r"^tile16 in Icarus Verilog .* must be .*, not '[01]*X"):
        check_unknown(published("tile16"), generated=wrong)


def test_random_registers(tmp_path: Path) -> None:
    """Right from every state; a register without reset shows in some of them."""
    found = check_random(published("tile16"), range(1, 5), generated=_copy(tmp_path))
    # The first seed also interrupts names: one before, twenty after.
    assert [len(run.counted) for run in found] == [22, 1, 1, 1]
    wrong = _copy(tmp_path, _without_reset(generated("tile16").path.read_text(), "tile16.control", "error"))
    with pytest.raises(Mismatch, match=r"^tile16 in Verilator"):
        check_random(published("tile16"), range(1, 7), generated=wrong)
