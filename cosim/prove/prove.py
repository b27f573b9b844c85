"""A property proven, and its planted bug found."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass
from functools import singledispatch
from pathlib import Path
from typing import Any

from filelock import FileLock

from cosim.prove.registry import Found
from cosim.prove.smt import TRACE, ProofError, Smt, translate
from cosim.prove.state import DIFFERENCES
from hdl.device.yosys import yosys_version
from hdl.proof import Always, Claim, Everywhere, Exhaustive, Planted, Within
from talos_ref.processes import execute, workers

__all__ = ["TIMEOUT", "Proven", "find_bug", "method_of", "prove", "prove_all"]

TIMEOUT = 400.0
"""Seconds that a solver may take for one question."""


@dataclass(frozen=True, kw_only=True)
class Proven:
    """What came of a property."""

    name: str
    unit: str
    statement: str
    method: str
    holds: bool
    seconds: float
    bug_found: bool
    bug_seconds: float
    said: str
    """How the claim fails, if it does."""

    def to_json(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return asdict(self)


@singledispatch
def method_of(claim: Claim) -> str:
    """Return how a claim is proven, and how far that reaches."""
    raise TypeError(f"claim must be of a known kind, not {claim!r}")


@method_of.register
def _(claim: Everywhere) -> str:
    return "SMT, all inputs"


@method_of.register
def _(claim: Always) -> str:
    return f"SMT, induction, k = {claim.depth}" + (", from any state" if claim.any_state else "")


@method_of.register
def _(claim: Within) -> str:
    return f"SMT, bounded: {claim.cycles} cycles" + (" from any state" if claim.any_state else "")


@method_of.register
def _(claim: Exhaustive) -> str:
    return f"exhaustive, {claim.cases:,} cases"


@singledispatch
def _decide(claim: Claim, folder: Path, timeout: float, *, only_cycles: bool) -> str:
    """Return how a stated claim fails, empty if it holds; with ``only_cycles`` nothing but a run from power-up."""
    raise TypeError(f"claim must be of a known kind, not {claim!r}")


@_decide.register
def _(claim: Everywhere, folder: Path, timeout: float, *, only_cycles: bool) -> str:
    return _in_cycles(folder, timeout, 1)


@_decide.register
def _(claim: Within, folder: Path, timeout: float, *, only_cycles: bool) -> str:
    return _in_cycles(folder, timeout, claim.cycles, claim.any_state)


@_decide.register
def _(claim: Always, folder: Path, timeout: float, *, only_cycles: bool) -> str:
    fails = _in_cycles(folder, timeout, claim.cycles if only_cycles else claim.depth, claim.any_state)
    if not fails and not only_cycles and not Smt(folder, timeout).induction(claim.depth):
        fails = f"it does not follow from {claim.depth} cycles before: {folder / 'induction.log'}"
    return fails


@_decide.register
def _(claim: Exhaustive, folder: Path, timeout: float, *, only_cycles: bool) -> str:
    return "; ".join((folder / DIFFERENCES).read_text(encoding="utf-8").splitlines())


def _in_cycles(folder: Path, timeout: float, count: int, any_state: tuple[str, ...] = ()) -> str:
    translate(folder, any_state)
    return "" if Smt(folder, timeout).cycles(count) else f"a counterexample: {folder / TRACE}"


def prove(found: Found, folder: Path, timeout: float = TIMEOUT) -> str:
    """Return how a property fails, empty if it holds; what it was made of is left in a folder.

    Raises ProofError if a tool fails or takes too long.
    """
    _state(found, folder, None, timeout)
    return _decide(found.entry.claim, folder, timeout, only_cycles=False)


def find_bug(found: Found, folder: Path, timeout: float = TIMEOUT) -> str:
    """Return how a property fails with its bug planted, empty if it holds all the same. Errors as `prove`."""
    _state(found, folder, found.entry.planted, timeout)
    return _decide(found.entry.claim, folder, timeout, only_cycles=True)


def _or_failure(act: Callable[[], str], *, holds: bool = False) -> str:
    """Return how a property fails; where nothing is known, that, or nothing if it counts as holding."""
    try:
        return act()
    except ProofError as error:
        return "" if holds else str(error)


def _state(found: Found, folder: Path, planted: Planted | None, timeout: float) -> None:
    """State a property in a process of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    bug = [] if planted is None else [json.dumps(asdict(planted))]
    command = [sys.executable, "-m", "cosim.prove.state", found.module, found.entry.name, str(folder), *bug]
    log = folder / "state.log"
    code = execute(command, Path(__file__).resolve().parent.parent.parent, os.environ, log, timeout=timeout)
    if code is None:
        raise ProofError(f"{found.entry.name} was not decided in {timeout:.0f} s")
    if code:
        said = log.read_text(encoding="utf-8")[-2000:].strip()
        raise ProofError(f"{found.entry.name} could not be stated: {said}")


def prove_all(
    chosen: Sequence[Found], folder: Path, timeout: float, on_proven: Callable[[Proven], None]
) -> list[Proven]:
    """Return what came of properties, in their order; several are proven side by side, each reported as it ends.

    A tool that fails, or takes longer than ``timeout``, has proven nothing, and found no bug. Another run in the same
    folder is waited for.
    """
    yosys_version()
    folder.mkdir(parents=True, exist_ok=True)

    def one(found: Found) -> Proven:
        name = found.entry.name
        times, said = [time.monotonic()], []
        said.append(_or_failure(lambda: prove(found, folder / name / "proof", timeout)))
        times.append(time.monotonic())
        said.append(_or_failure(lambda: find_bug(found, folder / name / "bug", timeout), holds=True))
        times.append(time.monotonic())
        return Proven(
            name=name, unit=found.unit, statement=found.entry.statement, method=method_of(found.entry.claim),
            holds=not said[0], seconds=times[1] - times[0], bug_found=bool(said[1]), bug_seconds=times[2] - times[1],
            said=said[0],
        )  # fmt: skip

    with FileLock(folder / ".lock"), workers(os.cpu_count() or 1) as pool:
        # The long ones first, so that none is left alone at the end.
        jobs = {pool.submit(one, found): found for found in sorted(chosen, key=lambda found: found.entry.quick)}
        for job in as_completed(jobs):
            on_proven(job.result())
    proven = {found.entry.name: job.result() for job, found in jobs.items()}
    return [proven[found.entry.name] for found in chosen]
