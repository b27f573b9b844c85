"""``python -m cosim upsets``: see `cosim.evidence.upsets`."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from cosim.engine.simulators import describe
from cosim.evidence.upsets import Outcome, Upsets, by_unit, find_upsets
from hdl.options import EVERY_CORE, Choice, design_options
from talos_ref.files import check_writable, make_folder, write_bytes
from talos_ref.options import Integer
from talos_ref.terminal import console, error_console

__all__ = ["to_json", "upsets"]

_LEAST = 10_000
_MOST = 10_000_000
_LISTED = 10


@click.command()
@design_options(cores=EVERY_CORE)
@click.option("--upsets", "count", type=Integer(1, _MOST), metavar="N",
              help=f"each bit once where there are so many (default: each bit once, {_LEAST:,} at least)")  # fmt: skip
@click.option("--within", default="", metavar="UNIT", help="only bits of a unit, such as core.sequencer")
@click.option("--seed", type=Integer(0), default=1, metavar="S",
              help="what places and times are drawn with (default: 1)")  # fmt: skip
@click.option("--out", default="build/upsets.json", metavar="FILE", help="default: build/upsets.json")
def upsets(*, count: int | None, within: str, seed: int, out: str, **options: Any) -> int:
    """Flip single bits of the core and its registers in mid-name, and say what a host sees of them.

    Most bits of a core with several streams are memory: --upsets takes some of them.
    """
    design = Choice(**options).resolve()
    make_folder(Path(out).parent)
    check_writable(out)
    err = error_console()
    with err.status("flipping bits") if err.is_terminal else err:
        found = find_upsets(design, count, seed, least=0 if within else _LEAST, within=within)
    written = write_bytes(out, (json.dumps(to_json(found, seed), indent=1) + "\n").encode())
    show = console()
    show.print(_table(found))
    for line in _summary(found):
        show.print(line, markup=False)
    print(f"{written} written")
    faults = _faults(found)
    for line in faults[:_LISTED]:
        err.print(f"error: {line}", markup=False)
    if len(faults) > _LISTED:
        err.print(f"error: and {len(faults) - _LISTED} more")
    return int(bool(faults))


def _faults(found: Upsets) -> list[str]:
    """Return the upsets that no machine may have: it hung, or its next name was wrong."""
    lines = []
    for upset, outcome, recovered in zip(found.upsets, found.outcomes, found.recovered, strict=True):
        if outcome is Outcome.HUNG:
            lines.append(f"{upset.describe()}: hung")
        elif not recovered:
            lines.append(f"{upset.describe()}: the next name is wrong")
    return lines


def _flags(found: Upsets) -> Counter[str]:
    """Return what told the host of an upset, and how often."""
    pairs = zip(found.outcomes, found.errors, strict=True)
    return Counter(error for outcome, errors in pairs if outcome is Outcome.FLAGGED for error in errors)


def _summary(found: Upsets) -> list[str]:
    bits = sum(register.bits for register in found.state)
    hit = len({(upset.register, upset.word, upset.bit) for upset in found.upsets})
    flags = ", ".join(f"{name} {number:,}" for name, number in _flags(found).most_common())
    count, microseconds = len(found.upsets), found.patience / found.design.clock_hz * 1e6
    return [
        f"{found.design.name} in {describe(found.model.kind)}: {count:,} upsets, {hit:,} of {bits:,} bits of state hit",
        f"flagged by {flags or 'nothing'}",
        f"a request is ended after {found.patience:,} cycles, {microseconds:.0f} microseconds; the longest session "
        f"took {found.longest:,} cycles",
        f"next name right after {sum(found.recovered):,} of {count:,} upsets",
    ]


def _table(found: Upsets) -> Table:
    table = Table(title=f"Single-bit upsets in {found.design.name}, by unit", title_justify="left")
    table.add_column("unit")
    for heading in ("upsets", *(outcome.value for outcome in Outcome)):
        table.add_column(heading, justify="right")
    rows = by_unit(found)
    for unit, outcomes in rows.items():
        table.add_row(unit, *_numbers(outcomes))
    table.add_section()
    table.add_row("all", *_numbers(Counter(found.outcomes)))
    return table


def _numbers(outcomes: Counter[Outcome]) -> list[str]:
    return [f"{outcomes.total():,}", *(f"{outcomes[outcome]:,}" for outcome in Outcome)]


def to_json(found: Upsets, seed: int) -> dict[str, Any]:
    """Return all that is reported, as a value for JSON."""
    design = found.design

    def counted(outcomes: Counter[Outcome]) -> dict[str, int]:
        return {"upsets": outcomes.total(), **{outcome.value: outcomes[outcome] for outcome in Outcome}}

    return {
        "core": design.name, "checkpoint": design.checkpoint.digest, "arithmetic": design.core.arithmetic_name,
        "format": str(design.word), "simulator": describe(found.model.kind), "verilog_sha256": found.verilog_sha256,
        "seed": seed, "clock_hz": design.clock_hz, "time_out_cycles": found.patience, "longest_cycles": found.longest,
        "state_bits": sum(register.bits for register in found.state),
        "hit_bits": len({(upset.register, upset.word, upset.bit) for upset in found.upsets}),
        **counted(Counter(found.outcomes)), "recovered": sum(found.recovered), "flags": dict(_flags(found)),
        "units": [{"unit": unit, **counted(outcomes)} for unit, outcomes in by_unit(found).items()],
        "faults": _faults(found),
    }  # fmt: skip
