"""A core as it is before its reset: registers and memories hold anything, but memories that are only read.

Amaranth gives every register a value at power-up, behind which a missing reset hides. Two forms
of its Verilog have none:

- ``without_initial_values``: the same text. Under Verilator its registers and memories start with random values.
- ``pessimistic``: the same circuit as multiplexers, without ``if`` and ``case``, for Icarus, where all start with X. An
  ``if`` whose condition is X takes its else branch, and the X ends there unseen; a multiplexer ``c ? a : b`` with c
  unknown gives X wherever a and b differ. A memory that is written becomes registers, so that a write with an unknown
  address or enable makes every word X that it may have changed.

Verilog's X is more pessimistic than a circuit in one place that counts: 0 · X is X there, and attention multiplies what
its cache has not been given yet by weights of 0. So in ``pessimistic`` a product is 0 if all bits of a factor are.
"""

from __future__ import annotations

import re
from pathlib import Path

from cosim.engine.simulators import SimulatorError
from hdl.device.yosys import run_yosys
from talos_ref.files import write_bytes

__all__ = ["pessimistic", "without_initial_values"]

_NAME = r"(\\\S+ |\w+)"
# Yosys's own registers, which start the blocks `always @*`, keep theirs.
_DECLARED = re.compile(rf"^( *reg (?!\\\$auto)(?:signed )?(?:\[\d+:\d+\] )?{_NAME}) ?= [^;]+;", re.M)
_ATTRIBUTE = re.compile(r"^ *\(\* init = .*? \*\)\n", re.M)
_MEMORY = re.compile(
    rf"^  reg (?:signed )?\[\d+:\d+\] {_NAME} ?\[\d+:\d+\];\n  initial begin\n(?:    .*\n)*?  end\n", re.M
)

_ZERO_PRODUCT = """\
(* techmap_celltype = "$mul" *)
module zero_product (A, B, Y);
parameter A_SIGNED = 0;
parameter B_SIGNED = 0;
parameter A_WIDTH = 1;
parameter B_WIDTH = 1;
parameter Y_WIDTH = 1;
input [A_WIDTH-1:0] A;
input [B_WIDTH-1:0] B;
output [Y_WIDTH-1:0] Y;
wire [Y_WIDTH-1:0] product;
\\$mul #(
    .A_SIGNED(A_SIGNED), .B_SIGNED(B_SIGNED), .A_WIDTH(A_WIDTH), .B_WIDTH(B_WIDTH), .Y_WIDTH(Y_WIDTH)
) multiply (.A(A), .B(B), .Y(product));
assign Y = A === {A_WIDTH{1'b0}} || B === {B_WIDTH{1'b0}} ? {Y_WIDTH{1'b0}} : product;
endmodule
"""


def without_initial_values(verilog: str) -> str:
    """Return Amaranth's Verilog without initial values of registers and of memories that are written.

    Raises ValueError if there was none to remove.
    """
    text, registers = _DECLARED.subn(r"\1;", _ATTRIBUTE.sub("", verilog))
    if not registers:
        raise ValueError("verilog must have registers with initial values, as Amaranth writes them, not none")
    return re.sub(r"^module .*?^endmodule", lambda module: _forget_memories(module[0]), text, flags=re.S | re.M)


def _forget_memories(module: str) -> str:
    def forget(match: re.Match[str]) -> str:
        written = re.search(rf"{re.escape(match[1].strip())} ?\[[^;=]*\](?:\[[^;=]*\])? <= ", module)
        return match[0][: match[0].index(";\n") + 2] if written else match[0]

    return _MEMORY.sub(forget, module)


def pessimistic(source: Path, top: str, target: Path) -> None:
    """Write the multiplexer form of the module ``top`` of Amaranth's Verilog to ``target``, without initial values.

    It works in the target's folder, which is to be the caller's alone. Raises SimulatorError, with the end of the log,
    if Yosys fails.
    """
    stripped, products = target.with_suffix(".input.v"), target.with_suffix(".products.v")
    script = (
        f"read_verilog {stripped.name}; hierarchy -check -top {top}; proc -noopt; flatten; clean; "
        # Nothing but memories that are only read may know a value at power-up.
        "select -assert-none w:* a:init %i; memory_collect; memory_map t:$mem_v2 r:WR_PORTS>0 %i; "
        f"setattr -unset init w:*; techmap -max_iter 1 -map {products.name}; pmuxtree; "
        "select -assert-none t:$pmux t:$memwr* %u; select -assert-any t:$dff; "
        f"write_verilog -noattr {target.name}"
    )
    write_bytes(stripped, without_initial_values(source.read_text()).encode())
    write_bytes(products, _ZERO_PRODUCT.encode())
    done = run_yosys(["-q", "-p", script], target.parent)
    if done.returncode:
        raise SimulatorError(f"yosys could not rewrite {source}: {done.stdout[-2000:].strip()}")
