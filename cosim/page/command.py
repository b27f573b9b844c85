"""The command ``python -m cosim page``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from cosim.page.assemble import assemble
from cosim.page.figures import figures
from cosim.page.inputs import COMMANDS, file_of, read_inputs
from cosim.page.measure import measure, open_page
from cosim.page.peer_race import race
from cosim.page.words import Words, choose
from hdl.options import Choice, cores_option, design_option
from talos_ref.files import make_folder
from talos_ref.options import Integer

__all__ = ["page"]


@click.command()
@cores_option
@design_option
@click.option("--also", multiple=True, metavar="FILE",
              help="checkpoint (its fastest core) or design.json whose words are on the page, too; may be "
                   "repeated (default: the other committed checkpoint, if nothing is chosen)")  # fmt: skip
@click.option("--figures", "folder", default="build", metavar="FOLDER", help="of the commands' JSON (default: build)")
@click.option("--measure", "measured", is_flag=True,
              help="also open it in Chromium without a network: compare steps bit by bit, and time its loops")
@click.option("--steps", type=Integer(1), default=10_000, metavar="N", help="that --measure compares (default: 10000)")
@click.option("--turns", type=Integer(1), default=9, metavar="N", help="of each loop that --measure times (default: 9)")
@click.option("--peer", metavar="FOLDER",
              help="with --measure: wasm/ of a clone of micro-gpt, which the C library races in node")
@click.option("--out", default="build/page", metavar="FOLDER", help="default: build/page")
def page(
    *,
    cores: tuple[str, ...],
    also: tuple[str, ...],
    folder: str,
    measured: bool,
    steps: int,
    turns: int,
    peer: str | None,
    out: str,
    **options: Any,
) -> None:
    """Make the page: the circuits as WebAssembly, a race, and a report of all figures, in one static folder."""
    if peer is not None and not measured:
        raise ValueError("--peer needs --measure")
    lists = choose(cores, Choice(**options), also)
    inputs = read_inputs(Path(folder))
    index = assemble(lists, figures(inputs), make_folder(out))
    for name, command in COMMANDS.items():
        if name not in inputs:
            print(f"without {folder}/{file_of(name)}: {command} writes it")
    size = sum(path.stat().st_size for path in index.parent.rglob("*") if path.is_file())
    print(f"{index} written, {size / 1e6:.1f} MB in its folder: open it, or put the folder on any web server")
    if measured:
        _measure(index, lists, steps, turns)
        if peer is not None:
            print(race(index.parent, Path(peer), turns))


def _measure(index: Path, lists: Sequence[Words], steps: int, turns: int) -> None:
    with open_page(index) as opened:
        print(f"Chromium {opened.version}, no network: usable after {opened.seconds:.2f} s")
        for found in measure(opened, lists, steps, turns):
            print(found.line(), flush=True)
