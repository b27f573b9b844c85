"""Amaranth's Verilog in the form that Icarus runs right, and fast."""

from __future__ import annotations

import re

__all__ = ["adapt"]


def adapt(verilog: str) -> str:
    """Return Verilog of the same meaning, with two changes made.

    Yosys puts a register with an initial value into every ``always @*`` so that the block runs once at the start.
    Icarus 11 sets it before the block waits for it, and what depends on constants stays X (amaranth#1629); here it is
    set at the end of time 0. (``always_comb`` would do too, but Icarus 11 runs some such blocks in circles for ever.)

    A wire that is assigned piece by piece becomes one assignment of all its pieces: for the former Icarus resolves
    drive strengths bit by bit, which takes nine tenths of its time on a core.
    """
    text = re.sub(
        r"^(\s*)reg (\\\$auto\$verilog_backend\S+ ) = 0;", r"\1reg \2;\n\1initial #0 \2 = 0;", verilog, flags=re.M
    )
    return re.sub(r"^module .*?^endmodule", lambda match: _join_pieces(match[0]), text, flags=re.S | re.M)


def _join_pieces(module: str) -> str:
    """Return a module in which every wire has one assignment, where its pieces cover it exactly."""
    pieces: dict[str, list[tuple[int, int, str, str]]] = {}
    for match in re.finditer(r"^  assign (\\\S+ |\w+) ?\[(\d+)(?::(\d+))?\] = (.*?);\n", module, re.S | re.M):
        high = int(match[2])
        pieces.setdefault(match[1], []).append((high, int(match[3] or high), match[4], match[0]))
    added = ""
    for name, parts in pieces.items():
        parts.sort(reverse=True)
        declared = re.search(rf"^  (?:wire|output) (?:signed )?\[(\d+):0\] {re.escape(name)} ?;", module, re.M)
        edges = [high for high, *_ in parts] + [-1]
        lows = [low - 1 for _, low, *_ in parts]
        if declared is None or [int(declared[1]), *lows] != edges:
            continue
        wires = [f"piece{len(added)}_{index}" for index in range(len(parts))]
        for wire, (high, low, value, whole) in zip(wires, parts, strict=True):
            module = module.replace(whole, "", 1)
            # A wire of the piece's width, for inside braces the value would have a width of its own.
            added += f"  wire [{high - low}:0] {wire} = {value};\n"
        added += f"  assign {name} = {{ {', '.join(wires)} }};\n"
    return module.removesuffix("endmodule") + added + "endmodule"
