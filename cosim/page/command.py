"""The command ``python -m cosim page``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cosim.page.assemble import assemble
from cosim.page.figures import figures
from cosim.page.inputs import COMMANDS, file_of, read_inputs
from hdl.options import Choice, cores_option, design_option, several_designs
from talos_ref.files import make_folder

__all__ = ["page"]


@click.command()
@cores_option
@design_option
@click.option("--figures", "folder", default="build", metavar="FOLDER", help="of the commands' JSON (default: build)")
@click.option("--out", default="build/page", metavar="FOLDER", help="default: build/page")
def page(*, cores: tuple[str, ...], folder: str, out: str, **options: Any) -> None:
    """Make the page: the circuits as WebAssembly, a race, and a report of all figures, in one static folder."""
    designs = several_designs(cores, Choice(**options))
    for design in designs:
        if design.core.streams > 1:
            raise ValueError(f"core must be one that makes one name at a time, not {design.name!r}")
    inputs = read_inputs(Path(folder))
    # The fastest core is the first that a visitor sees.
    index = assemble(designs[::-1], figures(inputs), make_folder(out))
    for name, command in COMMANDS.items():
        if name not in inputs:
            print(f"without {folder}/{file_of(name)}: {command} writes it")
    size = sum(path.stat().st_size for path in index.parent.rglob("*") if path.is_file())
    print(f"{index} written, {size / 1e6:.1f} MB in its folder: open it, or put the folder on any web server")
