"""Where the multipliers of a netlist stand on the LFE5U-85F, told to nextpnr before it places anything.

nextpnr (0.11) fixes multipliers early, each at the nearest free site, when hardly anything else has its place. Where
nearly all sites are taken, the two of a sum then stand 23 columns apart in the mean. In the order of their banks they
stand side by side, and all else is placed around them: of ``fused`` 439,000 units of wire are left of 602,000. Of
``tile16``, which takes a third of the sites, nextpnr stretches the banks over the whole width, and the router did not
end with two seeds of six; with banks in the middle it ended with eleven of twelve.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from hdl.device.ecp5_target import MULTIPLIER_CELL
from talos_ref.files import write_bytes
from talos_ref.sources import sources_digest

__all__ = ["MULTIPLIER_SITES", "copy_fixed", "fix_multipliers", "floorplan_digest"]

_PART = "LFE5U-85F"
# Project Trellis's data base of it: three rows of thirteen pairs of DSP slices, of four multipliers each.
_ROWS = (58, 34, 10)
_PAIRS = (4, 13, 22, 31, 40, 49, 58, 69, 78, 87, 96, 105, 114)
_IN_PAIR = (0, 1, 4, 5)
_WEST_TO_EAST = [(pair + place, place) for pair in _PAIRS for place in _IN_PAIR]


def _site(x: int, y: int, place: int) -> str:
    return f"X{x}/Y{y}/MULT18_{place}"


MULTIPLIER_SITES = tuple(
    _site(x, y, place)
    for row, y in enumerate(_ROWS)
    for x, place in (_WEST_TO_EAST[::-1] if row % 2 else _WEST_TO_EAST)
)
"""All sites of a multiplier, in nextpnr's names, each beside the one before: one row to the east, the next one back."""


def fix_multipliers(netlist: dict[str, Any]) -> int:
    """Give each multiplier of Yosys's netlist its site, by the attribute ``BEL``; return how many there are.

    The largest bank comes first. In a bank they stand in the order of the numbers in their names, so that the halves of
    a block are neighbours, and so are the blocks that a row of the tile sums. Where more than half of the sites are
    taken, the banks follow one another through ``MULTIPLIER_SITES``; where fewer are, they stand in the middle
    (`_middle`). A netlist with more multipliers than there are sites is left as it is, and 0 returned.
    """
    cells = [cells for module in netlist["modules"].values() if (cells := module.get("cells"))]
    names = [(name, cell) for of_module in cells for name, cell in of_module.items() if cell["type"] == MULTIPLIER_CELL]
    if len(names) > len(MULTIPLIER_SITES):
        return 0
    sizes = Counter(_bank(name) for name, _ in names)
    names.sort(key=lambda entry: (-sizes[_bank(entry[0])], _bank(entry[0]), _numbers(entry[0]), entry[0]))
    banks = dict.fromkeys(_bank(name) for name, _ in names)
    sites = _middle([sizes[bank] for bank in banks]) if len(names) <= len(MULTIPLIER_SITES) // 2 else None
    for (_, cell), site in zip(names, sites or MULTIPLIER_SITES, strict=False):
        cell["attributes"]["BEL"] = site
    return len(names)


def _middle(sizes: Sequence[int]) -> list[str] | None:
    """Return the sites of banks of these sizes in two rows, in the middle of the device; None if a row is too short.

    The first banks are in one row, from west to east, and the others in the next, from east to west. Each is numbered
    from west to east, so that equal lanes of two banks, one above the other, are near.
    """
    upper: list[int] = []
    while sum(upper) < sum(sizes) / 2:
        upper.append(sizes[len(upper)])
    lower = sizes[len(upper) :]
    pairs = -(-sum(upper) // len(_IN_PAIR))
    if pairs > len(_PAIRS):
        return None
    first = (len(_PAIRS) - pairs + 1) // 2 * len(_IN_PAIR)
    places = _WEST_TO_EAST[first : first + pairs * len(_IN_PAIR)]
    sites: list[str] = []
    for y, row, from_west in ((_ROWS[0], upper, True), (_ROWS[1], lower, False)):
        taken = 0
        for size in row:
            start = taken if from_west else len(places) - taken - size
            sites += [_site(x, y, place) for x, place in places[start : start + size]]
            taken += size
    return sites


@cache
def floorplan_digest() -> str:
    """Return the SHA-256 (hex) of this file, from which all sites follow."""
    return sources_digest(Path(__file__).parent, [Path(__file__)], [])


def copy_fixed(netlist: Path, fixed: Path, part: str) -> dict[str, Any]:
    """Write a copy of Yosys's netlist with a site for each multiplier, as `fix_multipliers` gives it, and return it.

    For other parts than the LFE5U-85F it is a copy without sites.
    """
    text = netlist.read_bytes()
    read: dict[str, Any] = json.loads(text)
    write_bytes(fixed, json.dumps(read).encode() if part == _PART and fix_multipliers(read) else text)
    return read


def _bank(name: str) -> str:
    """Return the name of a multiplier up to its first number."""
    return re.split(r"\d", name, maxsplit=1)[0]


def _numbers(name: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", name)]
