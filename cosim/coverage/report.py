"""Coverage as rows: a row a group, with its holes by name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table

from cosim.coverage.directed import Searched
from cosim.coverage.golden_corners import Corners
from cosim.coverage.limits import Limit, bits_of, limits, rom_limits
from cosim.coverage.measure import Seen
from cosim.coverage.plan import SOURCES
from cosim.coverage.reasons import reason
from hdl.design import Design

__all__ = ["Row", "contradictions", "holes", "rows", "table", "to_json"]

_NUMBERED = re.compile(r"\$\d+")
"""What Amaranth puts behind a name that another signal of the module has."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One kind of points, and how often each was seen."""

    name: str
    measured: str
    """``circuit``, or ``golden`` where the golden model was watched in the circuit's place."""
    seen: dict[str, dict[str, int]]
    """Point -> source -> how often."""
    unreachable: dict[str, str]
    """Point -> why nothing can come there."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Point -> why it may be a hole."""

    def reached(self, *sources: str) -> list[str]:
        """Return the points that some of the sources have reached."""
        return [point for point, counts in self.seen.items() if any(counts[source] for source in sources)]

    @property
    def holes(self) -> dict[str, str]:
        """Points that nothing has reached, though nothing is known that forbids it -> why, where that is known."""
        reached = set(self.reached(*SOURCES))
        missed = [point for point in self.seen if point not in reached and point not in self.unreachable]
        return {point: self.reasons.get(point, "") for point in missed}


def rows(design: Design, seen: Sequence[Seen], corners: dict[str, Corners], searched: Searched) -> list[Row]:
    """Return all rows of a design: groups, corners of the golden model, bits of registers by unit."""
    points, registers = limits(design)
    roms = [limit for one in seen for limit in rom_limits(one.verilog, one.registers, one.within)]
    found = [*_groups(seen), *_corners(corners), *_bits(seen, [*registers, *roms])]
    for row in found:
        row.unreachable.update({point: why for (name, point), why in points.items()
                                if name == row.name and point in row.seen})  # fmt: skip
        row.reasons.update({point: reason(design, searched, row.name, point) for point in row.seen})
    return found


def _groups(seen: Sequence[Seen]) -> Iterator[Row]:
    joined: dict[str, Row] = {}
    for one in seen:
        for number, group in enumerate(one.groups):
            row = joined.setdefault(
                group.name,
                Row(name=group.name, measured="circuit", unreachable=dict(group.unreachable),
                    seen={point: dict.fromkeys(SOURCES, 0) for point in group.points}),
            )  # fmt: skip
            for source, observed in one.by_source.items():
                for place, count in observed.counts[number].items():
                    if place in group.places:
                        row.seen[group.places[place]][source] += count
    yield from joined.values()


def _corners(corners: dict[str, Corners]) -> Iterator[Row]:
    units = dict.fromkeys(unit for found in corners.values() for unit in found.values)
    seen = {
        f"{unit}: {end}": {source: getattr(corners[source], end).get(unit, 0) for source in SOURCES}
        for unit in units for end in ("above", "below")
    }  # fmt: skip
    if seen:
        yield Row(name="clipping", measured="golden", unreachable={}, seen=seen)


def _bits(seen: Sequence[Seen], registers: Sequence[Limit]) -> Iterator[Row]:
    """Yield a row a unit: each bit of its registers is a point, reached if it has been 0 and 1 in one source's runs."""
    fixed: dict[tuple[str, int], str] = {
        (limit.register, bit): limit.why for limit in registers for bit in bits_of(limit)
    }
    rows: dict[str, Row] = {}
    for one in seen:
        for number, register in enumerate(one.registers):
            path = [_NUMBERED.sub("", name) for name in (*one.within, *register.path[1:])]
            unit, inside = ".".join(path[:2]) or "system", path[2:]
            row = rows.setdefault(unit, Row(name=f"bits of {unit}", measured="circuit", seen={}, unreachable={}))
            for bit in range(register.width):
                name = ".".join((*inside, register.name)) + (f"[{bit}]" if register.width > 1 else "")
                counts = row.seen.setdefault(name, dict.fromkeys(SOURCES, 0))
                for source, observed in one.by_source.items():
                    counts[source] |= observed.zeros[number] >> bit & observed.ones[number] >> bit & 1
                why = fixed.get((".".join((*path, register.name)), bit))
                if why is not None:
                    row.unreachable[name] = why
    for unit in sorted(rows):
        yield rows[unit]


def contradictions(found: Sequence[Row]) -> list[str]:
    """Return what was reached though it is said to be out of reach, a line each."""
    return [
        f"{row.name}: {point} was reached, though {row.unreachable[point]}"
        for row in found for point in row.reached(*SOURCES) if point in row.unreachable
    ]  # fmt: skip


_GRID = re.compile(r"(\d+)( \w+ \d+)?")


def holes(row: Row) -> str:
    """Return a row's holes as text: those of one reason together, bits of one register, numbers as ranges."""
    by_reason: dict[str, dict[tuple[str, str], list[int]]] = {}
    for point, why in row.holes.items():
        register, bracket, bit = point.rpartition("[")
        grid = _GRID.fullmatch(point)
        key, numbers = (point, ""), list[int]()
        if row.name.startswith("bits of ") and bracket:
            key, numbers = (f"{register}[", "]"), [int(bit.rstrip("]"))]
        elif grid:
            key, numbers = ("", grid[2] or ""), [int(grid[1])]
        by_reason.setdefault(why, {}).setdefault(key, []).extend(numbers)
    texts = []
    for why, parts in by_reason.items():
        text = ", ".join(f"{before}{_ranges(numbers, before)}{after}" for (before, after), numbers in parts.items())
        texts.append(f"{text} ({why})" if why else text)
    return "; ".join(texts)


def _ranges(numbers: Sequence[int], bits: str) -> str:
    """Return numbers as text, those of a register's bits from the highest down."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    if bits:
        return ",".join(str(run[0]) if len(run) == 1 else f"{run[-1]}:{run[0]}" for run in runs)
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)


_HEADINGS = {"tests": "by tests", "campaign": "by campaign", "search": "by search"}


def table(found: Sequence[Row], title: str) -> Table:
    """Return a row a group."""
    view = Table(title=title, title_justify="left")
    view.add_column("points of")
    view.add_column("seen in")
    for heading in ("points", *(_HEADINGS[source] for source in SOURCES), "out of reach", "holes"):
        view.add_column(heading, justify="right")
    for row in found:
        view.add_row(row.name, row.measured, *_numbers(row))
    return view


def _numbers(row: Row) -> list[str]:
    reached = [len(row.reached(source)) for source in SOURCES]
    return [f"{n:,}" for n in (len(row.seen), *reached, len(row.unreachable), len(row.holes))]


def to_json(found: Sequence[Row], **about: Any) -> dict[str, Any]:
    """Return all rows ready for JSON, as ``schema.json`` describes them."""
    return {
        "kind": "talos-coverage",
        "version": 1,
        **about,
        "groups": [
            {
                "name": row.name,
                "measured": row.measured,
                "points": len(row.seen),
                "reached": {source: len(row.reached(source)) for source in SOURCES},
                "counts": row.seen,
                "out_of_reach": row.unreachable,
                "holes": row.holes,
            }
            for row in found
        ],
    }
