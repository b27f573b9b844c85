"""A routed netlist of the ECP5 beside the Verilog that it was made from: every kind of cell, and faults."""

from __future__ import annotations

import json
import random
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cosim.engine.cells import MULT18X18D
from cosim.engine.simulators import find_program
from cosim.evidence.ecp5_gates import CELLS, count_cells, netlist_verilog, tie
from hdl.device.ecp5_netlist import map_verilog, route

SEED = 11
CYCLES = 300
EQUAL = f"{CYCLES} cycles equal"
WIDTHS = (1, 2, 4, 9, 18, 36)
DEPTH = {1: 16384, 2: 8192, 4: 4096, 9: 2048, 18: 1024, 36: 512}

_MEMORY = """\
  reg [{high}:0] words{width} [0:{last}];
  initial $readmemh("words{width}.hex", words{width});
  always @(posedge clk) begin
    if (write) words{width}[a[{bits}:0]] <= {{a, b}} >> {width} % 7;
    else if (read) y[{at} +: {width}] <= words{width}[b[{bits}:0]];
  end
"""


def _contents(folder: Path) -> None:
    """Write the words of the memories, each by a generator of its width."""
    for width in WIDTHS:
        draw = random.Random(width)
        words = (f"{draw.getrandbits(width):x}\n" for _ in range(DEPTH[width]))
        (folder / f"words{width}.hex").write_text("".join(words))


def _verilog() -> str:
    """Return a module with memories of every shape, products, sums, registers of every kind, and a small memory."""
    at, memories = 0, []
    for width in WIDTHS:
        bits = DEPTH[width].bit_length() - 2
        memories.append(
            _MEMORY.format(width=width, high=width - 1, last=DEPTH[width] - 1, bits=bits, at=at)
        )
        at += width
    return (
        "module all(clk, rst, read, write, a, b, y, z, p);\n"
        "  input clk, rst, read, write;\n  input [17:0] a, b;\n"
        f"  output reg [{at - 1}:0] y = 0;\n  output reg [179:0] z = 0;\n  output [35:0] p;\n" + "".join(memories) +
        "  wire signed [17:0] sa = a, sb = b;\n"
        "  reg [3:0] few [0:15];\n"
        "  integer k;\n  initial for (k = 0; k < 16; k = k + 1) few[k] = k * 7;\n"
        "  always @(posedge clk) begin\n"
        "    if (write) few[a[3:0]] <= b[3:0];\n"
        "    z[35:0] <= sa * sb;\n"
        "    z[71:36] <= a * b;\n"
        "    if (read) z[107:72] <= z[107:72] + {a, b};\n"
        "    if (rst) z[125:108] <= 18'h2cafe; else if (!write) z[125:108] <= a - b;\n"
        "    if (rst) z[143:126] <= 0; else z[143:126] <= z[143:126] ^ (a > b ? a : ~b);\n"
        "    z[147:144] <= few[b[3:0]];\n"
        "    z[148] <= ^a; z[149] <= |{a, b}; z[150] <= a < b; z[151] <= sa < sb;\n"
        "    z[169:152] <= {a[16:0], b[0]} ^ (z[169:152] << a[2:0]);\n"
        "    z[179:170] <= a[3:0] * 10'd37 + b[9:0];\n"
        "  end\n" + _registered_product() + "endmodule\n"
    )  # fmt: skip


def _registered_product() -> str:
    """Return an instance of a multiplier with its output register, of ``a ^ z[17:0]`` and ``b``."""
    pins = {f"A{bit}": f"a[{bit}] ^ z[{bit}]" for bit in range(18)} | {f"B{bit}": f"b[{bit}]" for bit in range(18)}
    pins |= {f"P{bit}": f"p[{bit}]" for bit in range(36)}
    pins |= {"CLK0": "clk", "CE0": "1'b1", "RST0": "1'b0", "SIGNEDA": "1'b1", "SIGNEDB": "1'b1"}
    pins |= {"SOURCEA": "1'b0", "SOURCEB": "1'b0"}
    return (
        '  MULT18X18D #(.REG_OUTPUT_CLK("CLK0"), .REG_OUTPUT_CE("CE0"), .REG_OUTPUT_RST("RST0"), .GSR("DISABLED"))\n'
        "    registered (" + ", ".join(f".{pin}({value})" for pin, value in pins.items()) + ");\n"
    )


_BENCH = f"""\
`timescale 1ns/1ps
module bench;
  reg clk = 0, rst = 0, read = 0, write = 0;
  reg [17:0] a = 0, b = 0;
  wire [69:0] y, y_gates;
  wire [179:0] z, z_gates;
  wire [35:0] p, p_gates;
  integer cycle, seed = {SEED};
  all right(clk, rst, read, write, a, b, y, z, p);
  all_gates gates(.clk(clk), .rst(rst), .read(read), .write(write), .a(a), .b(b), .y(y_gates), .z(z_gates),
    .p(p_gates));
  initial begin
    for (cycle = 0; cycle < {CYCLES}; cycle = cycle + 1) begin
      a = $urandom(seed); b = $urandom(seed);
      // Some words are read soon after they were written.
      if (cycle % 2) begin a = a[2:0]; b = b[2:0]; end
      rst = $urandom(seed) % 16 == 0; read = $urandom(seed) % 4 != 0; write = $urandom(seed) % 3 == 0;
      #5;
      clk = 1; #5 clk = 0;
      if (y !== y_gates || z !== z_gates || p !== p_gates) begin
        $display("seed {SEED}, cycle %0d: y must be %h, not %h; z must be %h, not %h; p must be %h, not %h",
          cycle, y, y_gates, z, z_gates, p, p_gates);
        $finish;
      end
    end
    $display("%0d cycles equal", cycle);
    $finish;
  end
endmodule
"""


@pytest.fixture(scope="module")
def routed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The module, placed and routed."""
    folder = tmp_path_factory.mktemp("routed")
    (folder / "all.v").write_text(_verilog())
    _contents(folder)
    map_verilog(folder, "all.v", "all")
    found: dict[str, Any] = json.loads(route(folder).read_text())
    return found


def _run(netlist: dict[str, Any], faults: int, folder: Path) -> list[str]:
    """Return what the bench says without a fault, and then with each."""
    _contents(folder)
    tied, found = tie(netlist, "all_gates", faults, SEED)
    netlist_verilog(tied, folder, folder / "gates.v")
    # Of the two models of a multiplier, the one for circuits gets a name of its own.
    circuit = (_verilog() + MULT18X18D.read_text()).replace("MULT18X18D #", "MULTIPLIER #")
    for name, text in {"all.v": circuit, "bench.v": _BENCH, "cells.v": CELLS.read_text()}.items():
        (folder / name).write_text(text)
    sources = ["all.v", "gates.v", "cells.v", "bench.v"]
    command = [find_program("iverilog"), "-g2012", "-s", "bench", "-o", "bench.vvp", *sources]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    said = []
    for number in range(len(found) + 1):
        command = [find_program("vvp"), "-n", "bench.vvp", f"+fault={number}"]
        said.append(subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip())
    return said


def test_every_cell(routed: dict[str, Any], tmp_path: Path) -> None:
    """Outputs are equal in every cycle; most flipped bits of tables show."""
    cells = count_cells(routed)
    assert set(cells) == {"TRELLIS_COMB", "TRELLIS_FF", "TRELLIS_RAMW", "MULT18X18D", "DP16KD"}
    assert cells["DP16KD"] == len(WIDTHS)
    widths = {
        int(cell["parameters"][f"DATA_WIDTH_{port}"], 2)
        for cell in next(iter(routed["modules"].values()))["cells"].values() if cell["type"] == "DP16KD"
        for port in "AB"
    }  # fmt: skip
    assert widths == set(WIDTHS)
    right, *wrong = _run(routed, 3, tmp_path)
    assert right == EQUAL
    noticed = [line for line in wrong if re.match(rf"seed {SEED}, cycle \d+: ", line)]
    assert noticed, wrong


def test_a_wrong_connection_is_noticed(routed: dict[str, Any], tmp_path: Path) -> None:
    """The outputs of two registers exchanged in nextpnr's netlist."""
    changed = json.loads(json.dumps(routed))
    (module,) = changed["modules"].values()
    registers = [cell for cell in module["cells"].values() if cell["type"] == "TRELLIS_FF"]
    first, second = (cell["connections"] for cell in registers[:2])
    first["Q"], second["Q"] = second["Q"], first["Q"]
    assert _run(changed, 0, tmp_path) != [EQUAL]


@cache
def _cell(kind: str, **parameters: str) -> dict[str, Any]:
    cell = {"type": kind, "parameters": parameters, "connections": {"DI": [2], "CLK": [3]}, "port_directions": {}}
    return {"modules": {"top": {"ports": {}, "netnames": {}, "cells": {"cell": cell}}}}


@pytest.mark.parametrize(
    ("netlist", "message"),
    [
        (_cell("ALU54B"), "cells must be of a core on the ECP5, not 'ALU54B'"),
        (_cell("TRELLIS_FF", SRMODE="ASYNC"), "TRELLIS_FF must not have SRMODE 'ASYNC': its model has no such mode"),
        (_cell("MULT18X18D", REG_OUTPUT_CLK="CLK1"),
         "MULT18X18D must not have REG_OUTPUT_CLK 'CLK1': its model has no such mode"),
        (_cell("MULT18X18D", REG_PIPELINE_CLK="CLK0"),
         "MULT18X18D must not have REG_PIPELINE_CLK 'CLK0': its model has no such mode"),
        (_cell("DP16KD", WRITEMODE_A="WRITETHROUGH"),
         "DP16KD must not have WRITEMODE_A 'WRITETHROUGH': its model has no such mode"),
    ],
)  # fmt: skip
def test_what_has_no_model_is_refused(netlist: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        tie(netlist, "top", 0)


def test_faults_need_tables() -> None:
    empty: dict[str, Any] = {"modules": {"top": {"ports": {}, "netnames": {}, "cells": {}}}}
    with pytest.raises(ValueError, match=r"^netlist must have at least 3 look-up tables, not 0$"):
        tie(empty, "top", 3)
