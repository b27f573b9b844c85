"""A campaign: what is kept is taken, the rest goes to workers, and each result is kept once as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cosim.campaign.cluster import run_cluster
from cosim.campaign.local import run_local
from cosim.campaign.plan import Planned
from cosim.campaign.shard import Outcome, Status, pack_design
from cosim.campaign.store import Store, key_of, made_from
from cosim.campaign.worker import task
from hdl.design import Design

__all__ = ["Done", "run_campaign"]


@dataclass(frozen=True, kw_only=True)
class Done:
    """A shard and what came of it."""

    planned: Planned
    key: str
    """SHA-256 of all that the result depends on."""
    outcome: Outcome
    kept: bool
    """Whether the result is that of an earlier campaign."""

    @property
    def failed(self) -> bool:
        """Whether it differs, or nothing is known."""
        return self.outcome.status is not Status.PASSED


def run_campaign(
    planned: Sequence[Planned],
    store: Store,
    *,
    jobs: int,
    scheduler: str | None = None,
    again: bool = False,
    report: Callable[[Done], None] = lambda done: None,
) -> list[Done]:
    """Return what came of every shard, failures first and otherwise in the order of the plan.

    Parameters
    ----------
    jobs
        Processes at most, where there is no scheduler.
    scheduler
        Address of a Dask scheduler, whose workers do it.
    again
        Do what is kept once more.
    report
        Called with each shard as it is done.

    Raises
    ------
    OSError
        If the scheduler cannot be reached, or a result cannot be kept.
    SimulatorError
        If the Verilog of a design cannot be generated.
    """
    found: dict[str, Done] = {}
    order: dict[str, int] = {}
    waiting: dict[str, tuple[Planned, dict[str, Any]]] = {}
    for one in planned:
        inputs = made_from(one.shard, one.design)
        key = key_of(inputs)
        if key in order:
            continue
        order[key] = len(order)
        if again:
            store.forget(inputs)
        outcome = store.find(inputs)
        if outcome is None:
            waiting[key] = (one, inputs)
        else:
            found[key] = Done(planned=one, key=key, outcome=outcome, kept=True)
            report(found[key])
    keys = list(waiting)
    for number, outcome in _outcomes([one for one, _ in waiting.values()], keys, jobs, scheduler):
        one, inputs = waiting[keys[number]]
        outcome = _believed(one, inputs, outcome)
        if outcome.status is Status.PASSED:
            outcome = store.keep(inputs, outcome)
        found[keys[number]] = Done(planned=one, key=keys[number], outcome=outcome, kept=False)
        report(found[keys[number]])
    return sorted(found.values(), key=lambda done: (not done.failed, order[done.key]))


def _outcomes(
    planned: Sequence[Planned], keys: Sequence[str], jobs: int, scheduler: str | None
) -> Iterator[tuple[int, Outcome]]:
    packed: dict[Design, dict[str, str]] = {}
    for one in planned:
        if one.design not in packed:
            packed[one.design] = pack_design(one.design)
    lines = [task(one.shard, packed[one.design]) for one in planned]
    return run_local(lines, jobs) if scheduler is None else run_cluster(lines, keys, scheduler)


def _believed(one: Planned, inputs: dict[str, Any], outcome: Outcome) -> Outcome:
    """Return an outcome that is of this very Verilog and of as many names, or else one that failed."""
    wanted, found = inputs.get("verilog"), outcome.figures.get("verilog_sha256")
    if outcome.status is Status.FAILED:
        return outcome
    if found != wanted:
        said = f"the worker {outcome.worker} must have simulated the Verilog {wanted}, not {found}"
        return Outcome(status=Status.FAILED, said=said, worker=outcome.worker)
    longest = one.design.model.max_letters * one.shard.names
    if outcome.status is Status.PASSED and not one.shard.names <= outcome.steps <= longest:
        said = f"{one.shard.names} names must have {one.shard.names} to {longest} steps, not {outcome.steps}"
        return Outcome(status=Status.FAILED, said=said, worker=outcome.worker)
    return outcome
