"""The command ``python -m cosim page``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cosim.page.assemble import assemble
from cosim.page.figures import figures
from cosim.page.inputs import COMMANDS, file_of, read_inputs
from cosim.page.words import choose
from hdl.options import Choice, cores_option, design_option
from talos_ref.files import make_folder

__all__ = ["page"]


@click.command()
@cores_option
@design_option
@click.option("--also", multiple=True, metavar="FILE",
              help="checkpoint (its fastest core) or design.json whose words are on the page, too; may be "
                   "repeated (default: the other committed checkpoint, if nothing is chosen)")  # fmt: skip
@click.option("--figures", "folder", default="build", metavar="FOLDER", help="of the commands' JSON (default: build)")
@click.option("--out", default="build/page", metavar="FOLDER", help="default: build/page")
def page(*, cores: tuple[str, ...], also: tuple[str, ...], folder: str, out: str, **options: Any) -> None:
    """Make the page: the circuits as WebAssembly, a race, and a report of all figures, in one static folder."""
    lists = choose(cores, Choice(**options), also)
    inputs = read_inputs(Path(folder))
    index = assemble(lists, figures(inputs), make_folder(out))
    for name, command in COMMANDS.items():
        if name not in inputs:
            print(f"without {folder}/{file_of(name)}: {command} writes it")
    size = sum(path.stat().st_size for path in index.parent.rglob("*") if path.is_file())
    print(f"{index} written, {size / 1e6:.1f} MB in its folder: open it, or put the folder on any web server")
