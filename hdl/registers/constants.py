"""The registers whose words never change: what a host learns of the design."""

from __future__ import annotations

from amaranth.hdl import C, Value

from hdl.core.config import CoreConfig
from hdl.registers.core_name import core_name_words
from hdl.registers.map import RegisterMap
from hdl.units.recurrence import check_width
from talos_ref.golden.arithmetic import ARITHMETIC_NUMBERS

__all__ = ["constant_words"]

_OF_THE_MAP = ("id", "version", "bos", "dimensions", "word_format", "places")
"""Registers whose word is that of a reset; a map has some of them."""


def constant_words(registers: RegisterMap, config: CoreConfig, *, build: int, clock_hz: int) -> dict[str, list[Value]]:
    """Return name -> words of the registers that tell of a design.

    Parameters
    ----------
    registers
        The map, of which these are the registers.
    config
        The core.
    build
        What ``build`` answers, 32 bits.
    clock_hz
        What ``clock`` answers.

    Raises TypeError or ValueError for ``build`` out of range, ValueError for a core's name that does not fit.
    """
    check_width("build", build, 0xFFFFFFFF, 0)
    words = {entry.name: [entry.reset or 0] for entry in registers.registers if entry.name in _OF_THE_MAP}
    words |= {
        "arithmetic": [ARITHMETIC_NUMBERS[config.arithmetic_name]],
        "clock": [clock_hz],
        "build": [build],
        "core_name": list(core_name_words(config.name)),
    }
    return {name: [C(word, 32) for word in values] for name, values in words.items()}
