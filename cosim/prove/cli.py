"""``python -m cosim prove``: see `cosim.prove`."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from rich.table import Table

from cosim.prove.prove import TIMEOUT, Proven, prove_all
from cosim.prove.registry import Found, properties
from talos_ref.files import build_root, check_writable, make_folder, write_bytes
from talos_ref.options import Integer
from talos_ref.terminal import console, error_console

__all__ = ["choose", "prove", "table"]


@click.command()
@click.option("--property", "names", multiple=True, metavar="NAME", help="this one alone; may be given several times")
@click.option("--quick", is_flag=True, help="only those that take some seconds")
@click.option("--timeout", type=Integer(1, 86_400), default=int(TIMEOUT), metavar="S",
              help=f"seconds for one question (default: {TIMEOUT:.0f})")  # fmt: skip
@click.option("--out", default="build/prove.json", metavar="FILE", help="default: build/prove.json")
def prove(names: tuple[str, ...], quick: bool, timeout: int, out: str) -> int:
    """Prove the properties of the units, and find the bug that is planted for each."""
    chosen = choose(properties(), names, quick=quick)
    path = Path(out)
    make_folder(path.parent)
    check_writable(path)
    started = time.monotonic()
    proven = prove_all(chosen, build_root() / "prove", timeout, lambda one: print(_line(one), flush=True))
    seconds = time.monotonic() - started
    text = {"seconds": round(seconds, 1), "properties": [one.to_json() for one in proven]}
    write_bytes(path, (json.dumps(text, indent=1) + "\n").encode())
    console().print(table(proven))
    print(f"{len(proven)} properties in {seconds:.0f} s")
    print(f"{path} written")
    wrong = [f"{one.name} does not hold: {one.said}" for one in proven if not one.holds]
    wrong += [f"{one.name} holds with its bug, too" for one in proven if not one.bug_found]
    for line in wrong:
        error_console().print(f"error: {line}", markup=False)
    return int(bool(wrong))


def choose(found: Mapping[str, Found], names: Sequence[str], *, quick: bool) -> list[Found]:
    """Return the properties that are asked for, all without names; ValueError for a name that there is not."""
    for name in names:
        if name not in found:
            raise ValueError(f"--property must be one of {', '.join(found)}, not {name!r}")
    return [one for name, one in found.items() if name in (names or found) and (one.entry.quick or not quick)]


def _line(one: Proven) -> str:
    return f"{one.name}: {_result(one)} ({one.seconds:.1f} s), bug {_bug(one)} ({one.bug_seconds:.1f} s)"


def _result(one: Proven) -> str:
    return "holds" if one.holds else "FAILS"


def _bug(one: Proven) -> str:
    return "found" if one.bug_found else "NOT FOUND"


def table(proven: Sequence[Proven]) -> Table:
    """Return a row a property."""
    rows = Table(title="Proofs", title_justify="left")
    for name, justify in (("property", "left"), ("method", "left"), ("result", "left"), ("seconds", "right"),
                          ("planted bug", "left")):  # fmt: skip
        rows.add_column(name, justify="right" if justify == "right" else "left")
    for one in proven:
        rows.add_row(one.name, one.method, _result(one), f"{one.seconds:.1f}", _bug(one))
    return rows
