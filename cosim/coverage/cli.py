"""``python -m cosim coverage``: see `cosim.coverage`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from cosim.coverage.directed import search
from cosim.coverage.measure import measure
from cosim.coverage.plan import BARREL_BENCHES, BENCHES, benches_of, plan_of
from cosim.coverage.report import contradictions, holes, rows, table, to_json
from cosim.engine.simulators import Simulator, describe
from cosim.options import SimulatorName
from hdl.options import EVERY_CORE, Choice, design_options
from talos_ref.files import check_writable, make_folder, write_bytes
from talos_ref.options import Integer, OneOf
from talos_ref.terminal import console, error_console

__all__ = ["coverage"]

_BENCHES = tuple(dict.fromkeys((*BENCHES, *BARREL_BENCHES)))
_ROUNDS = 12
"""In which the nearest contexts are changed."""
_LETTERS = 400
"""Of a row's holes on the terminal; all of them are in the file."""


@click.command()
@design_options(cores=EVERY_CORE)
@click.option("--simulator", "kind", type=SimulatorName(), default=Simulator.VERILATOR, metavar="NAME",
              help="verilator or icarus (default: verilator)")  # fmt: skip
@click.option("--names", type=Integer(0, 1_000_000), default=3000, metavar="N",
              help="of a campaign, at 0.5, 1 and 2 in turn (default: 3000)")  # fmt: skip
@click.option("--short", is_flag=True, help="fewer requests, for a slow simulator")
@click.option("--search", "contexts", type=Integer(0, 1_000_000), default=2048, metavar="N",
              help="contexts that rare logits are looked for in, 0 for none (default: 2048)")  # fmt: skip
@click.option("--bench", "benches", type=OneOf(_BENCHES), multiple=True, metavar="NAME",
              help=f"of the tests: {', '.join(BENCHES)}; with several streams {', '.join(BARREL_BENCHES)}; may be "
                   "repeated (default: all)")  # fmt: skip
@click.option("--out", default="build/coverage.json", metavar="FILE", help="default: build/coverage.json")
def coverage(
    kind: Simulator, names: int, short: bool, contexts: int, benches: tuple[str, ...], out: str, **options: Any
) -> int:
    """Show which states, transitions, corners and registers are reached by tests, campaign and search, and name the
    holes."""
    path = Path(out)
    make_folder(path.parent)
    check_writable(path)
    design = Choice(**options).resolve()
    simulator, used = describe(kind), benches_of(design, benches)
    # A core with several streams has no direct steps.
    contexts = contexts if design.core.streams == 1 else 0
    err = error_console()
    with err.status("searching") as status:
        searched = search(design, contexts, _ROUNDS)
        plan = plan_of(design, names, used, short=short, searched=searched.requests)
        seen, corners = measure(design, kind, plan, lambda text: status.update(text))
    found = rows(design, seen, corners, searched)
    document = to_json(
        found, core=design.name, design=design.digest(), arithmetic=design.core.arithmetic_name,
        format=str(design.word), checkpoint=design.checkpoint.digest, simulator=simulator, names=names, short=short,
        contexts=contexts, benches=list(used),
    )  # fmt: skip
    write_bytes(path, (json.dumps(document, indent=1) + "\n").encode())
    show = console()
    show.print(table(found, f"What is reached of {design.name} in {simulator}"))
    for row in found:
        if row.holes:
            text = holes(row)
            more = "" if len(text) <= _LETTERS else f" … ({len(row.holes)} in all)"
            show.print(f"{row.name}: {text[:_LETTERS]}{more}", markup=False)
    points = sum(len(row.seen) for row in found)
    missed = sum(len(row.holes) for row in found)
    beyond = sum(len(row.unreachable) for row in found)
    print(f"{points:,} points, {points - missed - beyond:,} reached, {beyond:,} out of reach, {missed:,} holes")
    print(f"{path} written")
    wrong = contradictions(found)
    for line in wrong:
        err.print(f"error: {line}", markup=False)
    return int(bool(wrong))
