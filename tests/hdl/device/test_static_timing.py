"""Static timing: paths of hand-written netlists, added up by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hdl.device.static_timing import FANOUT_PS, WIRE_PS, longest_paths
from hdl.device.yosys import run_yosys


def netlist(cells: dict[str, dict[str, Any]], names: dict[str, list[int]]) -> dict[str, Any]:
    return {"modules": {"top": {"cells": cells, "netnames": {name: {"bits": bits} for name, bits in names.items()}}}}


def cell(kind: str, **pins: list[int | str]) -> dict[str, Any]:
    return {"type": kind, "connections": pins}


def register(data: int, output: int) -> dict[str, Any]:
    return cell("MISTRAL_FF", DATAIN=[data], Q=[output], CLK=[99], ENA=["1"], SCLR=["0"])


def test_tables_and_carries() -> None:
    # a -> table -> two carry bits -> sum -> b
    cells = {
        "a": register(20, 1),
        "table": cell("MISTRAL_ALUT2", A=[1], B=["0"], Q=[2]),
        "low": cell("MISTRAL_ALUT_ARITH", A=[2], B=["0"], C=["0"], D0=["0"], D1=["0"], CI=["0"], SO=[4], CO=[3]),
        "high": cell("MISTRAL_ALUT_ARITH", A=["0"], B=["0"], C=["0"], D0=["0"], D1=["0"], CI=[3], SO=[5], CO=[6]),
        "b": register(5, 20),
    }
    longest = longest_paths(netlist(cells, {"a": [1], "b": [20]}), 2)
    assert [(path.start, path.end) for path in longest] == [("a", "b"), ("b", "a")]
    assert longest[0].picoseconds == 731 + (WIRE_PS + 400) + (WIRE_PS + 1082) + 368 + WIRE_PS
    assert longest[0].hops == 3
    assert longest[1].picoseconds == 731 + WIRE_PS


def test_multiplier_memory_and_fanout() -> None:
    cells: dict[str, dict[str, Any]] = {
        "rom": cell("MISTRAL_M10K", CLK1=[99], B1ADDR=[7], B1EN=["1"], B1DATA=[1, 2]),
        "times": cell("MISTRAL_MUL9X9", A=[1, 2], B=["1", "0"], Y=[5, 6]),
        "top": register(6, 7),
    }
    cells |= {f"other{k}": register(1, 30 + k) for k in range(7)}
    longest = longest_paths(netlist(cells, {"top": [7]}), 3)
    # Eight take bit 1 of the memory: one doubling beyond four.
    assert longest[0].picoseconds == 1004 + (WIRE_PS + FANOUT_PS + 2818) + WIRE_PS
    assert (longest[0].start, longest[0].end) == ("rom", "top")


@pytest.mark.parametrize("clock", ["0 ", "none"])
def test_dsp_block(clock: str) -> None:
    """Operands to the block's register, and from that to the next; without one right through."""
    mac = cell("cyclonev_mac", ax=[1], ay=["0"], bx=["0"], by=[2], resulta=[5, 6], resultb=[8])
    mac["parameters"] = {"output_clock": clock}
    cells = {"a": register(20, 1), "b": register(21, 2), "block": mac, "end": register(6, 20)}
    longest = longest_paths(netlist(cells, {"a": [1], "b": [2], "result": [5, 6]}), 4)
    lengths = {(path.start.split("[")[0], path.end.split("[")[0]): path.picoseconds for path in longest}
    into, out = 731 + WIRE_PS + 3982, 731 + WIRE_PS
    if clock == "none":
        assert max(lengths.values()) == into + WIRE_PS
    else:
        assert lengths["b", "result"] == into
        assert out in lengths.values()


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"^netlist must have registers, not none$"):
        longest_paths(netlist({"x": cell("MISTRAL_NOT", A=[1], Q=[2])}, {}))
    with pytest.raises(ValueError, match=r"^cells must be Cyclone V cells, not '\$add'$"):
        longest_paths(netlist({"x": cell("$add", A=[1], Y=[2])}, {}))
    loop = {
        "x": cell("MISTRAL_NOT", A=[1], Q=[2]),
        "y": cell("MISTRAL_NOT", A=[2], Q=[1]),
        "r": register(1, 3),
    }
    with pytest.raises(ValueError, match=r"^netlist must have no combinational loop, not one through "):
        longest_paths(netlist(loop, {}))


def test_of_yosys(tmp_path: Path) -> None:
    """A mapped counter: its carry chain is the longest path, and the shorter the counter the shorter the path."""
    lengths = []
    for width in (8, 24):
        (tmp_path / "c.v").write_text(
            f"module c(input clk, output reg [{width - 1}:0] q); always @(posedge clk) q <= q + 1; endmodule\n"
        )
        script = "read_verilog c.v; synth_intel_alm -family cyclonev -top c -noiopad -noclkbuf; write_json c.json"
        done = run_yosys(["-q", "-p", script], tmp_path)
        assert done.returncode == 0, done.stdout
        (longest,) = longest_paths(json.loads((tmp_path / "c.json").read_text()), 1)
        assert longest.start.startswith("q[")
        assert longest.end.startswith("q[")
        lengths.append(longest.picoseconds)
    # Sixteen more carry bits.
    assert lengths[1] - lengths[0] == 16 * 36
