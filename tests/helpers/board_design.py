"""The board that the tests look at: tile16, with a demo quick enough to be simulated."""

from __future__ import annotations

from functools import cache

from hdl.boards.de1_soc.project import board_files
from tests.helpers.designs import published

__all__ = ["DEMO_CYCLES", "tile16_files"]

DEMO_CYCLES = 6000
"""From one name to the next."""


@cache
def tile16_files() -> dict[str, str]:
    """Return the project's generated files, name -> text; made once in a process."""
    return dict(board_files(published("tile16"), demo_cycles=DEMO_CYCLES))
