"""The observer: Verilog inside the top module that counts, at full speed, what groups of points and registers show.

It drives nothing. When the simulation ends it writes its counts to the file that ``+observed=FILE`` names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cosim.coverage.group import Group
from cosim.evidence.state import Register

__all__ = ["Observed", "observe", "path_of", "read_observed"]

_NAME_BYTES = 1024


@dataclass(frozen=True)
class Observed:
    """What one or several runs have shown."""

    counts: tuple[dict[int, int], ...]
    """Of each group: place -> how often it was seen."""
    zeros: tuple[int, ...]
    """Of each register: bits that have been 0."""
    ones: tuple[int, ...]
    """Bits that have been 1."""

    def joined(self, other: Observed) -> Observed:
        """Return what both have shown."""
        counts = tuple(
            {place: a.get(place, 0) + b.get(place, 0) for place in sorted(a.keys() | b.keys())}
            for a, b in zip(self.counts, other.counts, strict=True)
        )
        zeros = tuple(a | b for a, b in zip(self.zeros, other.zeros, strict=True))
        ones = tuple(a | b for a, b in zip(self.ones, other.ones, strict=True))
        return Observed(counts, zeros, ones)


def path_of(*names: str) -> str:
    """Return a hierarchical name below the top module, escaped, for an instance may have the name of a keyword."""
    return ".".join(f"\\{name} " for name in names)


def observe(verilog: str, top: str, groups: Sequence[Group], registers: Sequence[Register]) -> str:
    """Return the Verilog with an observer in module ``top``; ValueError if there is no such module.

    Memories are left out: registers must have one word each.
    """
    begin = re.search(rf"^module \\?{re.escape(top)} ?\(", verilog, re.M)
    if begin is None:
        raise ValueError(f"top must be a module of the Verilog, not {top!r}")
    end = verilog.index("\nendmodule", begin.end())
    return verilog[:end] + "\n" + "\n".join(_lines(groups, registers)) + verilog[end:]


def _lines(groups: Sequence[Group], registers: Sequence[Register]) -> list[str]:
    lines = [f"  reg [{8 * _NAME_BYTES - 1}:0] observed_file;", "  integer observed_handle;", "  integer observed_i;"]
    written = []
    for number, group in enumerate(groups):
        name, size = f"observed_{number}", group.size
        lines += [group.declare] if group.declare else []
        lines += [
            f"  reg [31:0] {name} [0:{size - 1}];",
            f"  wire [31:0] {name}_at = {group.index};",
            f"  initial for (observed_i = 0; observed_i < {size}; observed_i = observed_i + 1) {name}[observed_i] = 0;",
            f"  always @(posedge clk) if (({group.when}) && {name}_at < {size})",
            f"    {name}[{name}_at] <= {name}[{name}_at] + 1;",
        ]
        written.append(
            f"    for (observed_i = 0; observed_i < {size}; observed_i = observed_i + 1) if ({name}[observed_i] != 0) "
            f'$fwrite(observed_handle, "count {number} %0d %0d\\n", observed_i, {name}[observed_i]);'
        )
    for number, register in enumerate(registers):
        seen, path = f"observed_bits_{number}", path_of(*register.path[1:], register.name)
        width = register.width
        lines += [
            # Of two states, so that what is unknown counts as neither.
            f"  bit [{width - 1}:0] {seen}_0 = 0;",
            f"  bit [{width - 1}:0] {seen}_1 = 0;",
            f"  always @(posedge clk) begin {seen}_0 <= {seen}_0 | ~{path}; {seen}_1 <= {seen}_1 | {path}; end",
        ]
        written.append(f'    $fwrite(observed_handle, "bits {number} %h %h\\n", {seen}_0, {seen}_1);')
    return [
        *lines,
        '  final if ($value$plusargs("observed=%s", observed_file)) begin',
        "    observed_handle = $fopen(observed_file);",
        *written,
        "    $fclose(observed_handle);",
        "  end",
    ]


def read_observed(path: Path, groups: int, registers: int) -> Observed:
    """Return what a run has written; ValueError if the file is not complete."""
    counts: list[dict[int, int]] = [{} for _ in range(groups)]
    zeros, ones, seen = [0] * registers, [0] * registers, 0
    for line in path.read_text().splitlines():
        kind, number, first, second = line.split()
        if kind == "count":
            counts[int(number)][int(first)] = int(second)
        else:
            zeros[int(number)], ones[int(number)] = int(first, 16), int(second, 16)
            seen += 1
    if seen != registers:
        raise ValueError(f"{path} must have {registers} registers, not {seen}")
    return Observed(tuple(counts), tuple(zeros), tuple(ones))
