"""Names of tile16 on a simulated board: what they must be, and what its displays show of them."""

from __future__ import annotations

from cosim.host.board.simulation import SimulatedBoard
from cosim.host.check import check_name, expected_names
from cosim.host.machine import run_name
from hdl.boards.parts.hex_display import segments
from hdl.registers.map import register_map
from talos_ref.model.config import MICROGPT
from tests.helpers.designs import published

__all__ = ["REGISTERS", "TEMPERATURE", "golden_names", "name", "shown"]


TEMPERATURE = 0x0080
REGISTERS = register_map(MICROGPT)


def golden_names(first: int, count: int) -> list[list[int]]:
    """Return the letters of the names of seeds from ``first`` on."""
    names = expected_names(published("tile16"), range(first, first + count), TEMPERATURE, 15)
    return [[step.token_out for step in name if step.token_out != MICROGPT.bos] for name in names]


def shown(letters: list[int]) -> list[int]:
    """Return the lit segments of HEX0 to HEX5 after these letters were pushed to a dark display."""
    lit = [segments(MICROGPT.alphabet[letter]) for letter in letters[-6:]]
    return list(reversed(lit + [0] * (6 - len(lit))))


def name(board: SimulatedBoard, seed: int) -> list[int]:
    """Run a name, compare everything, and return its letters."""
    golden = next(expected_names(published("tile16"), [seed], TEMPERATURE, 15))
    run = run_name(board.transport(), REGISTERS, seed=seed, temperature=TEMPERATURE, limit=15, seconds=60)
    assert check_name(seed, golden, run, MICROGPT.bos) == len(run.letters) + 35
    return list(run.letters)
