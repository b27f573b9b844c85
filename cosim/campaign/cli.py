"""``python -m cosim campaign``: see `cosim.campaign`."""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from cosim.campaign.campaign import Done, run_campaign
from cosim.campaign.kinds import KINDS
from cosim.campaign.page import render
from cosim.campaign.plan import LOCKSTEP_NAMES, Chosen, Planned, Sizes, plan
from cosim.campaign.progress import showing
from cosim.campaign.report import table, to_json
from cosim.campaign.store import Store
from cosim.core.model import REFERENCES
from cosim.engine.simulators import Simulator, describe
from cosim.options import simulators_option
from hdl.options import EVERY_CORE, Choice, every_core_option, several_designs
from talos_ref.commands.word_format import AUTO
from talos_ref.files import check_writable, make_folder, write_bytes
from talos_ref.golden.format import FORMATS
from talos_ref.options import Integer, Number, OneOf, seed_option
from talos_ref.terminal import console, error_console

__all__ = ["campaign"]

_MOST = 1 << 32
_WORDS = (*map(str, FORMATS), AUTO)
_LISTED = 20


class _Seeds(click.ParamType[tuple[int, int]]):
    """A first seed and a number of seeds, ``FIRST:COUNT``."""

    name = "seeds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        first, _, count = value.partition(":")
        if not (first.isdecimal() and count.isdecimal() and int(first) >= 1 and 1 <= int(count) < _MOST):
            self.fail(f"must be FIRST:COUNT, both 1 or more, not {value[:40]!r}", param, ctx)
        return int(first), int(count)


@click.command()
@click.option("--only", "kinds", type=OneOf(list(KINDS)), multiple=True, metavar="KIND",
              help=f"{', '.join(KINDS)}; may be repeated (default: all)")  # fmt: skip
@every_core_option
@click.option("--weights", multiple=True, metavar="FILE",
              help="checkpoint; may be repeated (default: $TALOS_WEIGHTS, or the committed one)")  # fmt: skip
@click.option("--format", "formats", type=OneOf(_WORDS), multiple=True, metavar="NAME",
              help=f"of the words: {', '.join(_WORDS)}; may be repeated (default: {AUTO})")  # fmt: skip
@click.option("--design", "files", multiple=True, metavar="FILE",
              help="design.json of a folder, beside or in place of cores; may be repeated")  # fmt: skip
@simulators_option
@click.option("--temperature", "temperatures", type=Number(), multiple=True, default=(0.5, 1.0, 2.0), metavar="T",
              help="may be repeated (default: 0.5, 1 and 2)")  # fmt: skip
@click.option("--names", type=Integer(0, _MOST), default=LOCKSTEP_NAMES, metavar="N",
              help=f"of a core at a temperature under Verilator (default: {LOCKSTEP_NAMES})")  # fmt: skip
@click.option("--icarus-names", type=Integer(0, _MOST), default=10, metavar="N", help="under Icarus (default: 10)")
@click.option("--steps", type=Integer(0), default=20_000_000, metavar="N",
              help="of the C library's kernels, in all (default: 20,000,000)")  # fmt: skip
@click.option("--golden-steps", type=Integer(0), default=500_000, metavar="N",
              help="of the C library beside Python, in all (default: 500,000)")  # fmt: skip
@seed_option
@click.option("--seeds", type=_Seeds(), metavar="FIRST:COUNT", help="these as one shard, in place of all sizes")
@click.option("--reference", type=OneOf(REFERENCES), default="c", metavar="NAME",
              help=f"who answers in a lock step: {', '.join(REFERENCES)} (default: c)")  # fmt: skip
@click.option("--jobs", type=Integer(1, 1024), metavar="N", help="processes (default: as many as processors)")
@click.option("--scheduler", metavar="ADDRESS", help="of Dask, whose workers do it, such as tcp://10.0.0.1:8786")
@click.option("--again", is_flag=True, help="do also what is kept")
@click.option("--out", default="build/campaign.json", metavar="FILE",
              help="default: build/campaign.json; the page goes beside it")  # fmt: skip
def campaign(
    *, kinds: tuple[str, ...], simulators: tuple[Simulator, ...], temperatures: tuple[float, ...], names: int,
    icarus_names: int, steps: int, golden_steps: int, seed: int, seeds: tuple[int, int] | None, reference: str,
    jobs: int | None, scheduler: str | None, again: bool, out: str, **choice: Any,
) -> int:
    """Run many checks as shards, each result kept once; what an earlier campaign has kept is not done again."""
    started = time.monotonic()
    path = Path(out)
    page = path.with_suffix(".html")
    make_folder(path.parent)
    for file in (path, page):
        check_writable(file)
    for kind in simulators if "lockstep" in (kinds or KINDS) else ():
        describe(kind)
    sizes = Sizes(
        names=names, icarus_names=icarus_names, steps=steps, golden_steps=golden_steps, seed=seed, seeds=seeds
    )
    planned, notes = plan(
        _chosen(**choice), kinds or tuple(KINDS), tuple(dict.fromkeys(temperatures)), simulators, sizes, reference
    )
    err = error_console()
    for note in notes:
        err.print(f"note: {note}", markup=False)
    jobs = jobs or os.cpu_count() or 1
    done = _run(planned, jobs, scheduler, again)
    document = to_json(
        done, command=_command(), notes=notes, seconds=time.monotonic() - started, jobs=jobs, scheduler=scheduler
    )
    write_bytes(page, render(document).encode())
    write_bytes(path, (json.dumps(document, indent=1) + "\n").encode())
    console().print(table(done))
    print(f"{path} and {page.name} written")
    failures = [one for one in done if one.failed]
    for one in failures[:_LISTED]:
        err.print(f"error: {one.planned.shard.describe()}: {one.outcome.said}", markup=False)
        err.print(f"again: {one.planned.repeat}", markup=False)
    if len(failures) > _LISTED:
        err.print(f"error: and {len(failures) - _LISTED} more, in {path}", markup=False)
    return int(bool(failures))


def _run(planned: Sequence[Planned], jobs: int, scheduler: str | None, again: bool) -> list[Done]:
    with showing(len(planned)) as report:
        return run_campaign(planned, Store(), jobs=jobs, scheduler=scheduler, again=again, report=report)


def _chosen(
    cores: tuple[str, ...], weights: tuple[str, ...], formats: tuple[str, ...], files: tuple[str, ...]
) -> list[Chosen]:
    """Return cores × checkpoints × formats, and the designs of files, each design once."""
    found: dict[str, Chosen] = {}
    for file in files:
        for design in several_designs((), Choice(design=file), EVERY_CORE):
            found.setdefault(design.digest(), Chosen(design=design, options=("--design", file)))
    if files and not (cores or weights or formats):
        return list(found.values())
    for checkpoint in weights or (os.environ.get("TALOS_WEIGHTS") or None,):
        for word in formats or (None,):
            given = {"--weights": checkpoint, "--format": word}
            options = [text for name, value in given.items() if value is not None for text in (name, value)]
            for design in several_designs(cores, Choice(weights=checkpoint, format=word), EVERY_CORE):
                one = Chosen(design=design, options=("--core", design.name, *options))
                found.setdefault(design.digest(), one)
    return list(found.values())


def _command() -> str:
    return f"python -m cosim {shlex.join(sys.argv[1:])}"
