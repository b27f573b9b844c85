"""Boards without a circuit that the commands of a host find in place of their own."""

from __future__ import annotations

from collections.abc import Callable

from cosim.host.errors import HostError
from hdl.registers.map import register_map
from talos_ref.model.config import MICROGPT
from tests.helpers.model_board import ModelBoard

__all__ = ["ENDS", "REGISTERS", "Plug", "flipped", "stopped"]


REGISTERS = register_map(MICROGPT)

Plug = Callable[[ModelBoard], ModelBoard]


def flipped(name: str, index: int = 0) -> ModelBoard:
    """Return a board of which one bit of one register is wrong."""
    at = REGISTERS.register(name).at(index)
    return ModelBoard(change=lambda address, word: word ^ (address == at))


def stopped(error: BaseException) -> ModelBoard:
    """Return a board that raises an error when the fourth letter of a name is read."""

    def change(address: int, word: int) -> int:
        if address == REGISTERS.register("letters").at(3):
            raise error
        return word

    return ModelBoard(change=change)


ENDS = [(KeyboardInterrupt(), 130, "interrupted"), (HostError("the cable is out"), 1, "the cable is out")]
