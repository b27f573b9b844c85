"""nextpnr's report of a placed and routed design, read: frequency, parts, and where the longest paths end.

It is the file of ``--report`` with ``--detailed-timing-report``, written after routing. nextpnr's log has a frequency
twice, the first one before routing, and is not read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Path", "Report", "read_report", "unit_of"]

_BITS = re.compile(r"\d+")


@dataclass(frozen=True, kw_only=True)
class Path:
    """The longest way to a register or port: of several bits of one register that of the slowest."""

    nanoseconds: float
    """From clock edge to set-up; of the longest path to the next edge, for there nextpnr tells the set-up time."""
    unit: str
    """Where it ends: names of modules, outermost first, joined by points."""
    register: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """What came of placing and routing a design with one clock."""

    fmax_mhz: float
    used: dict[str, int]
    """Kind of part -> how many are used."""
    available: dict[str, int]
    """The same of the device."""
    paths: tuple[Path, ...]
    """The longest first."""


def unit_of(name: str, units: Collection[str]) -> tuple[str, str]:
    """Return the unit that a cell is in, the longest of ``units`` that its name begins with, and the rest of its name.

    Names of units and cells are joined by points, and a cell's may have more of them. The rest is without what
    synthesis hangs on a register's name.
    """
    words = name.split(".")
    for count in range(len(words) - 1, 0, -1):
        unit = ".".join(words[:count])
        if unit in units:
            return unit, _register(".".join(words[count:]))
    return "", _register(name)


def _register(name: str) -> str:
    return re.sub(r"_(TRELLIS|DP16KD|MULT18X18D|LUT4|CCU2C|PFUMX|L6MUX21)_.*$", "", name)


def read_report(text: str, units: Collection[str], count: int = 10) -> Report:
    """Return what a report says; ``count`` paths of those that end inside the clock's domain.

    Raises ValueError if the text is no such report, or there is not exactly one clock.
    """
    try:
        found = json.loads(text)
        clocks = {name: float(entry["achieved"]) for name, entry in found["fmax"].items()}
        parts = {kind: (int(entry["used"]), int(entry["available"])) for kind, entry in found["utilization"].items()}
        ends = [*_ends(found["detailed_net_timings"], clocks), *_critical(found.get("critical_paths", []), clocks)]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"text must be a report of nextpnr with detailed timings ({error!r})") from None
    if len(clocks) != 1:
        raise ValueError(f"report must have one clock, not {len(clocks)}: {', '.join(clocks) or 'none'}")
    return Report(
        fmax_mhz=next(iter(clocks.values())),
        used={kind: used for kind, (used, _) in parts.items()},
        available={kind: available for kind, (_, available) in parts.items()},
        paths=tuple(_longest(ends, units, count)),
    )


def _ends(nets: list[dict[str, Any]], clocks: Collection[str]) -> Iterator[tuple[float, str]]:
    """Yield (ns, cell) of every end of a path from a clock's edge to a clock's edge."""
    edges = {f"posedge {clock}" for clock in clocks}
    for net in nets:
        if net["event"] in edges:
            for end in net["endpoints"]:
                if end["event"] in edges:
                    # The fastest and the slowest way.
                    yield float(end["delay"][1]), end["cell"]


def _critical(paths: list[dict[str, Any]], clocks: Collection[str]) -> Iterator[tuple[float, str]]:
    """Yield (ns, cell) of the longest path: here alone nextpnr counts the set-up time, which a multiplier has."""
    edges = {f"posedge {clock}" for clock in clocks}
    for path in paths:
        if path["from"] in edges and path["to"] in edges:
            yield sum(float(part["delay"]) for part in path["path"]), path["path"][-1]["to"]["cell"]


def _longest(ends: list[tuple[float, str]], units: Collection[str], count: int) -> list[Path]:
    paths: dict[tuple[str, str], Path] = {}
    for nanoseconds, cell in sorted(ends, reverse=True):
        unit, register = unit_of(cell, units)
        # Lanes and bits differ in their numbers alone.
        key = _BITS.sub("#", unit), _BITS.sub("#", register)
        paths.setdefault(key, Path(nanoseconds=nanoseconds, unit=unit, register=register))
        if len(paths) == count:
            break
    return list(paths.values())
