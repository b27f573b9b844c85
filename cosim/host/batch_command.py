"""``python -m cosim.host batch``: a batch on a board with several streams, and its digest beside host_c's."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from cosim.host.batch import Batch, BatchRun, run_batch
from cosim.host.batch_check import Expected, check_batch, find_step
from cosim.host.check import Mismatch
from cosim.host.screen import screen
from cosim.host.session import Session
from talos_ref.golden.generate import check_limit, quantise_temperature
from talos_ref.terminal import console

__all__ = ["DEFAULT_NAMES", "MAX_BATCH", "BatchOptions", "batch"]

DEFAULT_NAMES = 17_000
"""Some 10^5 steps."""
MAX_BATCH = (1 << 32) - 1


@dataclass(frozen=True, kw_only=True)
class BatchOptions:
    """What is drawn, and how far it is compared."""

    seed: int
    count: int
    temperature: float
    limit: int | None
    check: bool
    narrow: bool
    """Look for the step that differs."""
    again: str
    """The command that does so, for the message of a difference."""

    def batch(self, session: Session) -> Batch:
        """Return the batch; ValueError if the machine cannot have it."""
        if self.seed + self.count - 1 > MAX_BATCH:
            raise ValueError(
                f"seed + count - 1 must be at most {MAX_BATCH}, not {self.seed + self.count - 1}; ask for fewer names"
            )
        model = session.design.model
        return Batch(
            seed=self.seed, count=self.count,
            temperature=quantise_temperature(self.temperature, session.design.arithmetic.sampler),
            limit=model.max_letters if self.limit is None else check_limit(self.limit, model),
        )  # fmt: skip


def batch(session: Session, result: dict[str, Any], as_json: bool, *, options: BatchOptions) -> None:
    """Run a batch, show its counters and rates, and compare them with host_c's."""
    asked = options.batch(session)
    result |= {"seed": asked.seed, "count": asked.count, "temperature_q8_8": asked.temperature, "limit": asked.limit}
    expected = Expected(session.design, asked) if options.check else None
    started = time.monotonic()
    found = _run(session, asked, as_json)
    seconds = time.monotonic() - started
    result["totals"] = totals = _totals(session, found, seconds)
    remedy = "" if options.narrow else f"`{options.again}` finds the step"
    try:
        result["checked"] = 0 if expected is None else check_batch(asked, expected, found, remedy)
    except Mismatch as mismatch:
        if options.narrow:
            _narrow(session, asked, mismatch, as_json)
        raise
    if as_json:
        print(json.dumps({"board": result["board"], **totals, "checked": result["checked"]}))
        return
    _show(session, asked, totals)
    if expected is not None:
        print(f"steps, letters and digest {found.digest:08x} equal to host_c's of the same seeds")


def _run(session: Session, asked: Batch, as_json: bool) -> BatchRun:
    with screen(asked.count, as_json=as_json, show=False) as shown:
        return run_batch(session.bus, session.registers, asked, seconds=session.seconds, on_names=shown.reached)


def _narrow(session: Session, asked: Batch, mismatch: Mismatch, as_json: bool) -> None:
    """Raise Mismatch with the first step that differs, if it does so without the names beside it."""
    if not as_json:
        print(f"{mismatch}: looking for the step", flush=True)
    step = find_step(
        session.design, asked, lambda part: run_batch(session.bus, session.registers, part, seconds=session.seconds)
    )
    if step is not None:
        raise Mismatch(step)
    if not as_json:
        print("its parts have the right digests by themselves: what differs depends on what runs beside it", flush=True)


def _totals(session: Session, found: BatchRun, seconds: float) -> dict[str, Any]:
    clock = session.identity.clock_hz
    return {
        "figures_are_of": "all streams",
        "streams": session.identity.streams,
        "steps": found.steps,
        "letters": found.letters,
        "cycles": found.cycles,
        "cycles_per_step": found.cycles / found.steps if found.steps else None,
        "steps_per_second": found.steps * clock / found.cycles if found.cycles else 0.0,
        "letters_per_second": found.letters * clock / found.cycles if found.cycles else 0.0,
        "digest": f"{found.digest:08x}",
        "host_seconds": seconds,
    }


def _show(session: Session, asked: Batch, totals: dict[str, Any]) -> None:
    streams = session.identity.streams
    table = Table(
        title=f"{session.identity.core}, {session.transport}, all {streams} streams", title_justify="left",
        show_header=False,
    )  # fmt: skip
    table.add_column()
    table.add_column(justify="right")
    rows = {
        "names": f"{asked.count:,}",
        "letters": f"{totals['letters']:,}",
        "steps": f"{totals['steps']:,}",
        "cycles": f"{totals['cycles']:,}",
        "cycles per step": f"{totals['cycles_per_step'] or 0:.2f}",
        "steps/s, all streams": f"{totals['steps_per_second']:,.0f}",
        "letters/s, all streams": f"{totals['letters_per_second']:,.0f}",
        "digest": totals["digest"],
        "host: seconds": f"{totals['host_seconds']:.2f}",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    console().print(table)
