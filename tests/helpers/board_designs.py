"""The simulated boards that tests share: each is compiled once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from cosim.engine.compile import Model
from cosim.host.board.simulation import LINE_BAUD, board_model, compile_board
from talos_ref.files import build_root
from tests.helpers.barrel_designs import small_barrel
from tests.helpers.designs import published

__all__ = ["DEMO_CYCLES", "barrel_board", "demo_board", "small_board"]

DEMO_CYCLES = 60_000
"""From one name of `demo_board`'s demo to the next: 1.07 ms, several times what a name takes."""


@cache
def demo_board() -> Model:
    """Return the board with tile16, whose demo's second is shortened."""
    return board_model(published("tile16"), DEMO_CYCLES)


@cache
def barrel_board() -> Model:
    """Return the board with a small core of several streams, a serial line, and a demo whose second is shortened."""
    return board_model(small_barrel(), DEMO_CYCLES, serial_baud=LINE_BAUD, quick=True)


@cache
def small_board() -> Model:
    """Return a board of 16 words of memory behind the vendor's blocks."""
    return compile_board(Path(__file__).resolve().parent / "small_board.v", build_root() / "small-board")
