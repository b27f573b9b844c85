"""The board's generated files, made once for all tests of a worker."""

from __future__ import annotations

import pytest
from board_design import tile16_files

__all__ = ["files"]


@pytest.fixture(scope="session")
def files() -> dict[str, str]:
    """The project's generated files of tile16, name -> text."""
    return tile16_files()
