"""Where the multipliers of a netlist stand on the LFE5U-85F, told to nextpnr before it places anything.

nextpnr (0.11) fixes multipliers early, each at the nearest free site, when hardly anything else has its place. Where
nearly all sites are taken, the two of a sum then stand 23 columns apart in the mean. In the order of their banks they
stand side by side, and all else is placed around them: of ``fused`` 439,000 units of wire are left of 602,000.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from hdl.device.ecp5_target import MULTIPLIER_CELL
from talos_ref.files import write_bytes

__all__ = ["MULTIPLIER_SITES", "copy_fixed", "fix_multipliers"]

# Project Trellis's data base of the LFE5U-85F: three rows of thirteen pairs of DSP slices, of four multipliers each.
_ROWS = (58, 34, 10)
_PAIRS = (4, 13, 22, 31, 40, 49, 58, 69, 78, 87, 96, 105, 114)
_IN_PAIR = (0, 1, 4, 5)
_WEST_TO_EAST = [(pair + place, place) for pair in _PAIRS for place in _IN_PAIR]

MULTIPLIER_SITES = tuple(
    f"X{x}/Y{y}/MULT18_{place}"
    for row, y in enumerate(_ROWS)
    for x, place in (_WEST_TO_EAST[::-1] if row % 2 else _WEST_TO_EAST)
)
"""All sites of a multiplier, in nextpnr's names, each beside the one before: one row to the east, the next one back."""


def fix_multipliers(netlist: dict[str, Any]) -> int:
    """Give each multiplier of Yosys's netlist its site, by the attribute ``BEL``; return how many there are.

    The largest bank comes first. In a bank they stand in the order of the numbers in their names, so that the halves of
    a block are neighbours, and so are the blocks that a row of the tile sums. Where no more than half of the sites are
    taken the netlist is left as it is, and 0 returned: the placer does better there.
    """
    cells = [cells for module in netlist["modules"].values() if (cells := module.get("cells"))]
    names = [(name, cell) for of_module in cells for name, cell in of_module.items() if cell["type"] == MULTIPLIER_CELL]
    if not len(MULTIPLIER_SITES) // 2 < len(names) <= len(MULTIPLIER_SITES):
        return 0
    sizes = Counter(_bank(name) for name, _ in names)
    names.sort(key=lambda entry: (-sizes[_bank(entry[0])], _bank(entry[0]), _numbers(entry[0]), entry[0]))
    for (_, cell), site in zip(names, MULTIPLIER_SITES, strict=False):
        cell["attributes"]["BEL"] = site
    return len(names)


def copy_fixed(netlist: Path, fixed: Path) -> dict[str, Any]:
    """Write a copy of Yosys's netlist with a site for each multiplier, as `fix_multipliers` gives it, and return it."""
    text = netlist.read_bytes()
    read: dict[str, Any] = json.loads(text)
    write_bytes(fixed, json.dumps(read).encode() if fix_multipliers(read) else text)
    return read


def _bank(name: str) -> str:
    """Return the name of a multiplier up to its first number."""
    return re.split(r"\d", name, maxsplit=1)[0]


def _numbers(name: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", name)]
