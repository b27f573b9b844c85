"""Letters on seven segments."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.registers.character_window import CHARACTER_BITS, DISPLAYS

__all__ = ["SEGMENTS", "SHAPES", "HexDisplay", "segments"]

SEGMENTS = "abcdefg"
"""a top, b and c right, d bottom, e and f left, g middle."""

# No letter looks like another, which costs k, m, v, w and x their usual shapes.
SHAPES = (
    "abcefg", "cdefg", "deg", "bcdeg", "adefg", "aefg", "acdef", "cefg", "c", "bcde", "acefg", "def", "abcef",
    "ceg", "cdeg", "abefg", "abcfg", "eg", "acdfg", "defg", "bcdef", "cde", "bdf", "bcefg", "bcdfg", "abdeg",
)  # fmt: skip
"""Lit segments of the letters a to z."""


def segments(character: int) -> int:
    """Return the lit segments of a character, bit 0 for a to bit 6 for g; 0 for what is not a letter."""
    if not 0 <= character < len(SHAPES):
        return 0
    return sum(1 << SEGMENTS.index(segment) for segment in SHAPES[character])


class HexDisplay(wiring.Component):
    """Six characters to six digits, ``LATENCY`` cycles later: the segments leave from registers.

    Members
    -------
    characters : In([6] of 5 bits)
        0 to 25 for a to z, anything else for a dark digit.
    digits : Out([6] of 7 bits)
        As ``segments``; 1 lights. Dark after reset.
    """

    LATENCY = 1

    def __init__(self) -> None:
        digits = data.ArrayLayout(len(SEGMENTS), DISPLAYS)
        super().__init__({"characters": In(data.ArrayLayout(CHARACTER_BITS, DISPLAYS)), "digits": Out(digits)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for digit in range(DISPLAYS):
            lit = Signal(len(SEGMENTS), name=f"lit{digit}")
            with m.Switch(self.characters[digit]):
                for character in range(len(SHAPES)):
                    with m.Case(character):
                        m.d.comb += lit.eq(segments(character))
            m.d.sync += self.digits[digit].eq(lit)
        return m
