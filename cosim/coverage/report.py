"""Coverage as rows: a row a group, with its holes by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from rich.table import Table

from cosim.coverage.golden_corners import Corners
from cosim.coverage.measure import SOURCES, Seen
from cosim.coverage.reasons import reason
from hdl.design import Design

__all__ = ["Row", "contradictions", "holes", "rows", "table", "to_json"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One kind of points, and how often each was seen."""

    name: str
    measured: str
    """``circuit``, or ``golden`` where the golden model was watched in the circuit's place."""
    seen: dict[str, dict[str, int]]
    """Point -> source -> how often."""
    unreachable: dict[str, str]
    reasons: Callable[[str, str], str] = lambda row, point: ""
    """Takes row and point; returns why it is a hole, where that is known."""

    def reached(self, *sources: str) -> list[str]:
        """Return the points that some of the sources have reached."""
        return [point for point, counts in self.seen.items() if any(counts[source] for source in sources)]

    @property
    def holes(self) -> dict[str, str]:
        """Points that nothing has reached, though nothing is known that forbids it -> why, where that is known."""
        reached = set(self.reached(*SOURCES))
        missed = [point for point in self.seen if point not in reached and point not in self.unreachable]
        return {point: self.reasons(self.name, point) for point in missed}


def rows(design: Design, seen: Sequence[Seen], corners: dict[str, Corners]) -> list[Row]:
    """Return all rows of a design: groups, corners of the golden model, bits of registers by unit."""
    found = [*_groups(seen), *_corners(corners), *_bits(seen)]
    return [replace(row, reasons=partial(reason, design)) for row in found]


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
    for unit in units:
        yield Row(
            name=f"clipped in {unit}", measured="golden", unreachable={},
            seen={
                "above": {source: corners[source].above.get(unit, 0) for source in SOURCES},
                "below": {source: corners[source].below.get(unit, 0) for source in SOURCES},
            },
        )  # fmt: skip


def _bits(seen: Sequence[Seen]) -> Iterator[Row]:
    """Yield a row a unit: each bit of its registers is a point, reached if it has been 0 and 1 in one source's runs."""
    units: dict[str, dict[str, dict[str, int]]] = {}
    for one in seen:
        for number, register in enumerate(one.registers):
            unit = ".".join((*one.within, *register.path[1:])) or "system"
            points = units.setdefault(unit, {})
            for bit in range(register.width):
                name = f"{register.name}[{bit}]" if register.width > 1 else register.name
                counts = points.setdefault(name, dict.fromkeys(SOURCES, 0))
                for source, observed in one.by_source.items():
                    counts[source] |= observed.zeros[number] >> bit & observed.ones[number] >> bit & 1
    for unit, points in sorted(units.items()):
        yield Row(name=f"bits of {unit}", measured="circuit", seen=points, unreachable={})


def contradictions(found: Sequence[Row]) -> list[str]:
    """Return what was reached though it is said to be out of reach, a line each."""
    return [
        f"{row.name}: {point} was reached, though {row.unreachable[point]}"
        for row in found for point in row.reached(*SOURCES) if point in row.unreachable
    ]  # fmt: skip


def holes(row: Row) -> str:
    """Return a row's holes as text, those of one reason together, and bits of one register."""
    by_reason: dict[str, dict[str, list[str]]] = {}
    for point, why in row.holes.items():
        register, bracket, bit = point.partition("[")
        bits = row.name.startswith("bits of ") and bool(bracket)
        named = by_reason.setdefault(why, {}).setdefault(register if bits else point, [])
        named += [bit.rstrip("]")] if bits else []
    texts = []
    for why, parts in by_reason.items():
        text = ", ".join(f"{name}[{_ranges(bits)}]" if bits else name for name, bits in parts.items())
        texts.append(f"{text} ({why})" if why else text)
    return "; ".join(texts)


def _ranges(bits: Sequence[str]) -> str:
    runs: list[list[int]] = []
    for bit in sorted(map(int, bits)):
        if runs and bit == runs[-1][-1] + 1:
            runs[-1].append(bit)
        else:
            runs.append([bit])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[-1]}:{run[0]}" for run in runs)


def table(found: Sequence[Row], title: str) -> Table:
    """Return a row a group."""
    view = Table(title=title, title_justify="left")
    view.add_column("points of")
    view.add_column("seen in")
    for heading in ("points", *(f"by {source}" for source in SOURCES), "out of reach", "holes"):
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
