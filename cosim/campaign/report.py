"""What a campaign says: the table on a terminal, and the JSON file that ``schema.json`` describes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from cosim.campaign.campaign import Done
from cosim.campaign.kinds import KINDS
from cosim.engine.simulators import describe, simulator

__all__ = ["Group", "group", "table", "to_json"]


@dataclass(frozen=True, kw_only=True)
class Group:
    """Shards of one kind, core, simulator and temperature together."""

    kind: str
    core: str
    arithmetic: str
    format: str
    checkpoint: str
    where: str
    """Simulator and its version, or the kernels."""
    temperature: float
    shards: int
    kept: int
    failed: int
    names: int
    steps: int
    """Of shards that passed."""
    values: int
    seconds: float
    """Of all workers, kept shards included."""

    def to_json(self) -> dict[str, Any]:
        """Return the fields ready for JSON."""
        return dict(vars(self)) | {"seconds": round(self.seconds, 1)}


def group(done: Sequence[Done]) -> list[Group]:
    """Return the groups of some shards, those with failures first."""
    groups: dict[tuple[Any, ...], list[Done]] = {}
    for one in done:
        shard = one.planned.shard
        key = (list(KINDS).index(shard.kind), shard.core, _where(one), shard.format, shard.design, shard.temperature)
        groups.setdefault(key, []).append(one)
    made = [_group(members) for _, members in sorted(groups.items())]
    return sorted(made, key=lambda found: not found.failed)


def _where(done: Done) -> str:
    shard = done.planned.shard
    return describe(simulator(shard.simulator)) if shard.simulator else ", ".join(shard.kernels)


def _group(members: Sequence[Done]) -> Group:
    first = members[0].planned
    passed = [one for one in members if not one.failed]
    return Group(
        kind=first.shard.kind, core=first.shard.core, arithmetic=first.shard.arithmetic, format=first.shard.format,
        checkpoint=first.design.checkpoint.digest, where=_where(members[0]), temperature=first.shard.temperature,
        shards=len(members), kept=sum(one.kept for one in members), failed=len(members) - len(passed),
        names=sum(one.planned.shard.names for one in passed), steps=sum(one.outcome.steps for one in passed),
        values=sum(one.outcome.values for one in passed), seconds=sum(one.outcome.seconds for one in members),
    )  # fmt: skip


def table(done: Sequence[Done]) -> Table:
    """Return a row a group, and the sum of each kind."""
    rows = Table(title="Campaign", title_justify="left")
    for heading in ("kind", "core", "in", "temperature"):
        rows.add_column(heading, justify="right" if heading == "temperature" else "left")
    for heading in ("shards", "kept", "failed", "names", "steps", "values compared"):
        rows.add_column(heading, justify="right")
    groups = group(done)
    for found in groups:
        rows.add_row(found.kind, found.core, found.where, f"{found.temperature:g}", *_numbers([found]))
    rows.add_section()
    for kind in KINDS:
        mine = [found for found in groups if found.kind == kind]
        if mine:
            rows.add_row(f"all {kind}", "", "", "", *_numbers(mine))
    return rows


def _numbers(groups: Sequence[Group]) -> list[str]:
    names = ("shards", "kept", "failed", "names", "steps", "values")
    return [f"{sum(getattr(found, name) for found in groups):,}" for name in names]


def to_json(
    done: Sequence[Done], *, command: str, notes: Sequence[str], seconds: float, jobs: int, scheduler: str | None
) -> dict[str, Any]:
    """Return a campaign ready for JSON, as ``schema.json`` describes it; failures come first."""
    return {
        "kind": "talos-campaign",
        "version": 1,
        "command": command,
        "seconds": round(seconds, 1),
        "workers": {"jobs": jobs} if scheduler is None else {"scheduler": scheduler},
        "checks": {name: kind.about for name, kind in KINDS.items()},
        "left_out": list(notes),
        "totals": {kind: _total([one for one in done if one.planned.shard.kind == kind]) for kind in KINDS},
        "failures": [_failure(one) for one in done if one.failed],
        "groups": [found.to_json() for found in group(done)],
        "shards": [
            one.planned.shard.to_json() | one.outcome.to_json() | {"key": one.key, "kept": one.kept} for one in done
        ],
    }


def _total(done: Sequence[Done]) -> dict[str, int]:
    passed = [one for one in done if not one.failed]
    return {
        "shards": len(done),
        "kept": sum(one.kept for one in done),
        "failed": len(done) - len(passed),
        "names": sum(one.planned.shard.names for one in passed),
        "steps": sum(one.outcome.steps for one in passed),
        "values": sum(one.outcome.values for one in passed),
    }


def _failure(done: Done) -> dict[str, Any]:
    return {
        "shard": done.planned.shard.describe(),
        "status": done.outcome.status.value,
        "said": done.outcome.said,
        "worker": done.outcome.worker,
        "repeat": done.planned.repeat,
    }
