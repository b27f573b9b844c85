"""The board's generated files, made once for all tests of a worker."""

from __future__ import annotations

import pytest

from hdl.board.project import board_files
from hdl.config import CORES
from talos_ref.checkpoint import default_checkpoint

__all__ = ["files"]


@pytest.fixture(scope="session")
def files() -> dict[str, str]:
    """The project's generated files of tile16, name -> text."""
    return dict(board_files(CORES["tile16"], default_checkpoint()))
