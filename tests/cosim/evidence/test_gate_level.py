"""The mapped netlist of a small core beside the Verilog that it was made from, the model of a block RAM, and faults."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from cosim.engine.icarus_source import adapt
from cosim.engine.simulators import SimulatorError, find_program
from cosim.evidence.gate_level import cell_models, insert_faults, netlist_verilog
from hdl.core.config import CoreConfig
from hdl.device.resources import synthesise
from hdl.device.yosys import run_yosys
from hdl.verilog import core_verilog
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig
from tests.helpers.designs import design_of

SEED = 7
EQUAL = "equal in every cycle"


def _ports(verilog: str, top: str) -> dict[str, tuple[str, int]]:
    """Return name -> (direction, width) of a module's ports."""
    module = re.search(rf"^module \\?{top} ?\(.*?^endmodule", verilog, re.M | re.S)
    assert module is not None
    found = re.findall(r"^ +(input|output) (?:reg )?(?:\[(\d+):0\] )?(\w+);", module[0], re.M)
    return {name: (way, int(high or 0) + 1) for way, high, name in found}


def _test_bench(ports: dict[str, tuple[str, int]], top: str, cycles: int) -> str:
    """Return Verilog that gives a module and its netlist the same random inputs and compares their outputs."""
    declared, both, outputs, drive = [], [], [], []
    for name, (way, width) in ports.items():
        if way == "output":
            declared.append(f"wire [{width - 1}:0] {name}, {name}_gates;")
            outputs.append(name)
        else:
            declared.append(f"reg [{width - 1}:0] {name} = 0;")
            if name in ("rst", "clear"):
                # Seldom, so that names get done.
                drive.append(f"{name} = cycle < 2 || $urandom(seed) % 250 == 0;")
            elif name != "clk":
                words = ", ".join("$urandom(seed)" for _ in range(-(-width // 32)))
                drive.append(f"{name} = {{{words}}};")
        both.append((name, f"{name}_gates" if way == "output" else name))
    compare = "".join(
        f"if ({name} !== {name}_gates) begin\n"
        f"$display(\"seed {SEED}, cycle %0d: {name} must be %h, not %h\", cycle, {name}, {name}_gates); $finish;\nend\n"
        for name in outputs
    )
    return (
        "`timescale 1ns/1ps\nmodule bench;\ninteger cycle, seed = " + str(SEED) + ";\n" + "\n".join(declared)
        + f"\n{top} right ({', '.join(f'.{name}({wire})' for name, (wire, _) in zip(ports, both, strict=True))});"
        + f"\n{top}_gates gates ({', '.join(f'.{name}({wire})' for name, wire in both)});"
        + f"\ninitial begin\nfor (cycle = 0; cycle < {cycles}; cycle = cycle + 1) begin\n"
        + "\n".join(drive) + f"\n#5;\n{compare}clk = 1; #5 clk = 0;\nend\n"
        + f"$display(\"%0d cycles {EQUAL}\", cycle);\n$finish;\nend\nendmodule\n"
    )  # fmt: skip


def _compile(folder: Path, top: str, verilog: str, netlist: str, cycles: int) -> Path:
    """Return both in one simulation by Icarus."""
    gates, renamed = re.subn(rf"^module {top}\(", f"module {top}_gates(", netlist, flags=re.M)
    assert renamed == 1
    sources = {
        "right.sv": adapt(verilog),
        "gates.sv": gates,
        "cells.v": cell_models(),
        "bench.sv": _test_bench(_ports(verilog, top), top, cycles),
    }
    for name, text in sources.items():
        (folder / name).write_text(text)
    command = [find_program("iverilog"), "-g2012", "-s", "bench", "-o", "bench.vvp", *sources]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "bench.vvp"


def _run(program: Path, *plusargs: str) -> str:
    command = [find_program("vvp"), "-n", str(program), *plusargs]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _map(folder: Path, verilog: str, top: str) -> str:
    """Return the netlist of a module."""
    (folder / f"{top}.v").write_text(verilog)
    script = f"read_verilog {top}.v; synth_intel_alm -family cyclonev -top {top} -noiopad -noclkbuf"
    done = run_yosys(["-q", "-p", f"{script}; write_json {top}.json"], folder)
    assert done.returncode == 0, done.stdout
    netlist_verilog(folder / f"{top}.json", folder / f"{top}.netlist.v")
    return (folder / f"{top}.netlist.v").read_text()


def test_netlist_of_a_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All ports in every cycle, with random requests, stalls, clears and resets: cells against plain arithmetic."""
    model = ModelConfig(alphabet="ab", block_size=4, n_embd=4, n_head=1, mlp_dim=4)
    rng = np.random.default_rng(1)
    tensors = {name: rng.normal(0, 0.5, shape).astype(np.float32) for name, shape in model.shapes().items()}
    config = CoreConfig(name="tiny", arithmetic_name="talos-v2", tile_rows=4, tile_columns=1, model=model)
    monkeypatch.setenv("TALOS_BUILD", str(tmp_path))
    design = design_of(config, Checkpoint(model, tensors))
    synthesis = synthesise(design)
    (tmp_path / "tiny.netlist.json").write_bytes((synthesis / "tiny.netlist.json").read_bytes())
    netlist_verilog(tmp_path / "tiny.netlist.json", tmp_path / "tiny.netlist.v")
    netlist = (tmp_path / "tiny.netlist.v").read_text()
    kinds = {"MISTRAL_ALUT6", "MISTRAL_ALUT_ARITH", "MISTRAL_FF", "MISTRAL_M10K", "cyclonev_mac"}
    assert kinds <= set(re.findall(r"MISTRAL_\w+|cyclonev_mac", netlist))
    program = _compile(tmp_path, "tiny", core_verilog(design), netlist, 1500)
    assert _run(program) == f"1500 cycles {EQUAL}"


_SCRAMBLER = """\
module scrambler(clk, rst, a, y);
  input clk;
  input rst;
  input [7:0] a;
  output [23:0] y;
  reg [7:0] address = 0;
  reg [19:0] word = 0;
  reg [23:0] y = 0;
  reg [19:0] rom [0:255];
  integer k;
  initial for (k = 0; k < 256; k = k + 1) rom[k] = k * 64'h9E3779B97F4A7C15 >> 20;
  always @(posedge clk) begin
    word <= rom[address];
    address <= rst ? 0 : address + a;
    y <= rst ? 0 : { y[22:0], y[23] } ^ { word, 4'h0 } ^ ({ 3{ a } } & { y[3:0], ~word }) ^ { 16'h0, word[7:0] * a };
  end
endmodule
"""
"""Every bit of whose memory and tables matters within some hundred cycles."""


def test_flipped_bits_are_noticed(tmp_path: Path) -> None:
    """Bits of look-up tables and a block RAM, each switched on by itself; without any the netlist is right."""
    netlist = _map(tmp_path, _SCRAMBLER, "scrambler")
    text, faults = insert_faults(netlist, 12, SEED)
    assert [fault.number for fault in faults] == list(range(1, 13))
    assert len({fault.instance for fault in faults}) == 12
    assert [fault.cell for fault in faults].count("MISTRAL_M10K") == 1
    program = _compile(tmp_path, "scrambler", _SCRAMBLER, text, 4000)
    assert _run(program) == f"4000 cycles {EQUAL}"
    said = {fault.describe(): _run(program, f"+fault={fault.number}") for fault in faults}
    noticed = [re.search(r"cycle \d+: y must be \w+, not \w+", line) is not None for line in said.values()]
    # A bit that no input selects is free; all others show at once.
    assert noticed[0], said
    assert sum(noticed) >= 9, said


def test_faults_need_cells() -> None:
    with pytest.raises(ValueError, match=r"^verilog must have at least 3 look-up tables, not 0$"):
        insert_faults("module none();\nendmodule\n", 3, SEED)


def test_a_missing_netlist_is_reported(tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match=r"(?s)^yosys could not write .*none\.v: .*none\.json"):
        netlist_verilog(tmp_path / "none.json", tmp_path / "none.v")


@pytest.mark.parametrize("width", [1, 2, 5, 10, 20, 40])
def test_block_ram(width: int, tmp_path: Path) -> None:
    """Contents, writes and reads, also of the word that is written, in every shape of a block RAM."""
    depth = {1: 8192, 2: 4096, 5: 2048, 10: 1024, 20: 512, 40: 256}[width]
    bits = depth.bit_length() - 1
    verilog = (
        f"module ram(clk, write, address, data, from, value);\n  input clk;\n  input write;\n"
        f"  input [{bits - 1}:0] address;\n  input [{width - 1}:0] data;\n  input [{bits - 1}:0] from;\n"
        f"  output [{width - 1}:0] value;\n  reg [{width - 1}:0] value = 0;\n"
        f"  reg [{width - 1}:0] words [0:{depth - 1}];\n"
        f"  integer k;\n  initial for (k = 0; k < {depth}; k = k + 1) words[k] = k * 64'h9E3779B97F4A7C15 >> 20;\n"
        "  always @(posedge clk) begin\n    if (write) words[address] <= data;\n    value <= words[from];\n  end\n"
        "endmodule\n"
    )
    netlist = _map(tmp_path, verilog, "ram")
    assert netlist.count("MISTRAL_M10K #(") == 1
    assert f".CFG_DBITS(32'd{width})" in netlist
    cycles = 4 * depth
    assert _run(_compile(tmp_path, "ram", verilog, netlist, cycles)) == f"{cycles} cycles {EQUAL}"
