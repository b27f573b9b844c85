"""What is run in a core with an observer, and which points are looked at: of one stream, or of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cosim.barrel.batch import Batch
from cosim.barrel.verify import BATCHES_BENCH
from cosim.core.request import Request, name_request
from cosim.core.verify import NAMES_BENCH
from cosim.coverage.barrel_groups import barrel_groups
from cosim.coverage.core_groups import core_groups
from cosim.coverage.group import Group
from cosim.coverage.stimulus import campaign_batches, campaign_requests, every_token, mixed_batches, mixed_requests
from cosim.coverage.tile_groups import tile_groups
from hdl.design import Design

__all__ = ["BARREL_BENCHES", "BENCHES", "SOURCES", "Plan", "Run", "benches_of", "plan_of"]

SOURCES = ("tests", "campaign", "search")
"""Whose requests they are; those of a search are looked for with the golden model, to reach what the others do not."""
BENCHES = ("names", "direct", "stalls", "control", "registers")
"""Of the tests of a core of one stream."""
BARREL_BENCHES = ("names", "around", "registers")
"""Of those of a core with several."""
_MIXED, _MIXED_SHORT = 240, 12
_TEST_SEED = 20


@dataclass(frozen=True, kw_only=True)
class Run:
    """A bench, with further arguments of `cosim.core.bench_run.run_bench`."""

    source: str
    bench: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The runs of a design."""

    core: tuple[Run, ...]
    """Of the core alone."""
    system: tuple[Run, ...]
    """Of the core behind its registers."""
    names: Mapping[str, Sequence[Request]]
    """Source -> names that the golden model's corners are counted in."""

    def groups(self, design: Design, verilog: str) -> list[Group]:
        """Return what is looked at in the core alone."""
        if design.core.streams > 1:
            return barrel_groups(design.core)
        return [*core_groups(design), *tile_groups(design.core, verilog)]


def benches_of(design: Design, benches: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the benches given, all of the core's by default; ValueError for one that is none of the core's."""
    known = BARREL_BENCHES if design.core.streams > 1 else BENCHES
    for bench in benches:
        if bench not in known:
            raise ValueError(f"bench of {design.name} must be one of {', '.join(known)}, not {bench!r}")
    return tuple(benches) or known


def plan_of(
    design: Design, names: int, benches: Sequence[str], *, short: bool = False, searched: Sequence[Request] = ()
) -> Plan:
    """Return the runs of a design: some benches of the tests, ``names`` of a campaign, and the steps of a search."""
    make = _several if design.core.streams > 1 else _single
    return make(design, names, benches, short, searched)


def _single(
    design: Design, names: int, benches: Sequence[str], short: bool, searched: Sequence[Request]
) -> Plan:
    core = design.core
    mixed = mixed_requests(core, _MIXED_SHORT if short else _MIXED) if "names" in benches else []
    wanted = campaign_requests(core, names)
    runs = [
        Run(source="tests", bench=NAMES_BENCH, options={"requests": requests})
        for requests in ((mixed, every_token(core)) if mixed else ())
    ]  # fmt: skip
    runs += [
        Run(source="tests", bench=f"cosim.core.bench_{bench}", options={"short": short})
        for bench in BENCHES if bench in benches and bench not in ("names", "registers")
    ]  # fmt: skip
    for source, requests in (("campaign", wanted), ("search", searched)):
        if requests:
            runs.append(Run(source=source, bench=NAMES_BENCH, options={"requests": requests}))
    tests = "published|anything|every_register" + ("" if short else "|names")
    accesses = Run(source="tests", bench="cosim.registers.bench_registers",
                   options={"test_filter": tests, "seed": _TEST_SEED, "short": short})  # fmt: skip
    return Plan(core=tuple(runs), system=(accesses,) if "registers" in benches else (),
                names={"tests": mixed, "campaign": wanted, "search": ()})  # fmt: skip


def _several(
    design: Design, names: int, benches: Sequence[str], short: bool, searched: Sequence[Request]
) -> Plan:
    core = design.core
    mixed = mixed_batches(core, 4 if short else 40) if "names" in benches else []
    wanted = campaign_batches(core, names)
    runs = [Run(source="tests", bench=BATCHES_BENCH, options={"batches": mixed})] if mixed else []
    if "around" in benches:
        options = {"short": short, "seed": _TEST_SEED}
        runs.append(Run(source="tests", bench="cosim.barrel.bench_around", options=options))
    if wanted:
        runs.append(Run(source="campaign", bench=BATCHES_BENCH, options={"batches": wanted}))
    behind = mixed[:4] or mixed_batches(core, 4)
    accesses = Run(source="tests", bench="cosim.barrel.bench_registers", options={"batches": behind})
    return Plan(core=tuple(runs), system=(accesses,) if "registers" in benches else (),
                names={"tests": _names(mixed), "campaign": _names(wanted), "search": ()})  # fmt: skip


def _names(batches: Sequence[Batch]) -> list[Request]:
    return [name_request(seed, batch.temperature, batch.limit) for batch in batches for seed in batch.seeds]
