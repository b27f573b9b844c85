"""What tests of the simulated board share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cosim.host.board.simulation import SimulatedBoard, simulated_board
from tests.helpers.board_designs import demo_board

__all__ = ["board"]


@pytest.fixture
def board() -> Iterator[SimulatedBoard]:
    """Return the board with tile16, just switched on."""
    with simulated_board(demo_board(), seconds=60) as found:
        yield found
