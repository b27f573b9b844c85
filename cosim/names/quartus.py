"""The Quartus project of a design, made by a process of its own beside the simulations."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

__all__ = ["make_project"]

_RESOURCES = Path("build/resources.json")


def make_project(design_file: Path, folder: Path) -> list[Path]:
    """Write the project of a saved design into a folder; return its files.

    Raises ValueError if there is no PLL for the design's clock, OSError if a file cannot be written.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(_write, design_file, folder).result()


def _write(design_file: Path, folder: Path) -> list[Path]:
    from hdl.boards.de1_soc.folder import write_folder
    from hdl.design import Design

    return write_folder(folder, Design.load(design_file), resources=_RESOURCES)
