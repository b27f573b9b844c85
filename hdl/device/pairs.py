"""Pairs: what our formulas say of a design, beside what a vendor's fitter and timing analyser say of it.

A table of pairs is a file of JSON objects, a line each. The project's own is ``pairs.jsonl`` beside this module;
`make quartus` adds a line to the one in the build folder.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from filelock import FileLock

from hdl.device.resources import count
from hdl.device.static_timing import Path
from talos_ref.files import name_failures, write_bytes

__all__ = ["TABLE", "Estimate", "Pair", "VendorFit", "append_pair", "known_pairs", "pair_from_json", "read_pairs"]

TABLE = pathlib.Path(__file__).with_name("pairs.jsonl")
"""The pairs that the project knows."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What synthesis makes of a design, before the formulas are applied to it."""

    synthesis: str
    """Tool and version."""
    core_cells: Mapping[str, int]
    """Mapped cells of the core alone, name -> number."""
    board_cells: Mapping[str, int] = field(default_factory=dict)
    """Those of what else the fit holds, as far as it could be mapped; empty where nothing could."""
    longest_paths: tuple[Path, ...]
    """By `hdl.device.static_timing`, the longest first."""

    @property
    def core_alms(self) -> int:
        """ALMs of the core alone, by the formula of `hdl.device.resources`."""
        return count(self.core_cells).alms

    @property
    def alms(self) -> int:
        """ALMs of everything that could be mapped."""
        return self.core_alms + count(self.board_cells).alms

    @property
    def multipliers(self) -> dict[int, int]:
        """Width of the operands -> number of multipliers, the widest first."""
        found = {width: self.core_cells.get(f"MISTRAL_MUL{width}X{width}", 0) for width in (27, 18, 9)}
        return {width: number for width, number in found.items() if number}

    def to_json(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return asdict(self)

    @staticmethod
    def from_json(fields: Mapping[str, Any]) -> Estimate:
        """Return the estimate of which these are the fields; KeyError or TypeError if they are not."""
        paths = tuple(Path(**path) for path in fields["longest_paths"])
        return Estimate(**{**fields, "longest_paths": paths})


@dataclass(frozen=True, kw_only=True)
class VendorFit:
    """What the vendor's tools report after place and route; None, or nothing, where the source does not say."""

    alms: int
    registers: int
    dsp_blocks: int
    m10k: int | None = None
    clock_mhz: float
    """What the core's clock was asked to be."""
    setup_slack_ns: Mapping[str, float] = field(default_factory=dict)
    """Corner -> the worst setup slack of the core's clock."""
    fmax_mhz: Mapping[str, float] = field(default_factory=dict)
    """Corner -> the highest frequency of the core's clock."""

    @property
    def period_ns(self) -> float | None:
        """The time in which every path closes, in the slowest corner known; None if no corner is."""
        closed = [1e3 / self.clock_mhz - slack for slack in self.setup_slack_ns.values()]
        closed += [1e3 / mhz for mhz in self.fmax_mhz.values()]
        return max(closed, default=None)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One design, estimated and fitted."""

    design: str
    digest: str
    """Of our design, or the commit of other sources."""
    source: str
    """Where the figures of the fit are from."""
    tool: str
    """The vendor's tool and version."""
    device: str
    date: str
    """Of the fit, as the tool writes it, or of the commit that tells of it."""
    seed: int | None = None
    """Of the placement, where it is known."""
    estimate: Estimate | None
    """None where synthesis has not run."""
    fit: VendorFit

    def to_line(self) -> str:
        """Return the pair as a line of a table, with its end."""
        return json.dumps(asdict(self), ensure_ascii=True) + "\n"


def pair_from_json(fields: Any) -> Pair:
    """Return the pair that a line of a table holds; ValueError if it is none."""
    try:
        estimate = None if fields["estimate"] is None else Estimate.from_json(fields["estimate"])
        return Pair(**{**fields, "estimate": estimate, "fit": VendorFit(**fields["fit"])})
    except (KeyError, TypeError) as error:
        raise ValueError(f"a pair must have the fields of `hdl.device.pairs.Pair` ({error})") from None


def read_pairs(path: pathlib.Path) -> list[Pair]:
    """Return the pairs of a table, in its order; OSError or ValueError, with file and line, if it is none."""
    pairs = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            pairs.append(pair_from_json(json.loads(line)))
        except ValueError as error:
            raise ValueError(f"{path}, line {number}, must be a pair: {error}") from None
    return pairs


def known_pairs() -> list[Pair]:
    """Return the pairs that the project knows."""
    return read_pairs(TABLE)


def append_pair(path: pathlib.Path, pair: Pair) -> bool:
    """Add a pair to a table, made if need be, and return whether it was not there yet.

    The file is replaced as a whole under a lock: no reader sees half a line, and no writer loses another's. Lines that
    are there stay as they are, whatever they hold. OSError, naming the file, if it cannot be written.
    """
    line = pair.to_line().encode()
    with name_failures(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock")):
            there = path.read_bytes() if path.exists() else b""
            if line in there.splitlines(keepends=True):
                return False
            ended = there if not there or there.endswith(b"\n") else there + b"\n"
            write_bytes(path, ended + line)
    return True
