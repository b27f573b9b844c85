"""The last letters on a row of seven-segment digits."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.boards.parts.character_window import CharacterWindow
from hdl.registers.display import DisplaySignature

__all__ = ["SEGMENTS", "SHAPES", "HexDisplay", "segments"]

SEGMENTS = "abcdefg"
"""a top, b and c right, d bottom, e and f left, g middle."""

# No letter looks like another, which costs k, m, v, w and x their usual shapes. Digits have theirs: 2 looks like z,
# 5 like s.
SHAPES = {
    "a": "abcefg", "b": "cdefg", "c": "deg", "d": "bcdeg", "e": "adefg", "f": "aefg", "g": "acdef", "h": "cefg",
    "i": "c", "j": "bcde", "k": "acefg", "l": "def", "m": "abcef", "n": "ceg", "o": "cdeg", "p": "abefg", "q": "abcfg",
    "r": "eg", "s": "acdfg", "t": "defg", "u": "bcdef", "v": "cde", "w": "bdf", "x": "bcefg", "y": "bcdfg",
    "z": "abdeg",
    "0": "abcdef", "1": "bc", "2": "abdeg", "3": "abcdg", "4": "bcfg", "5": "acdfg", "6": "acdefg", "7": "abc",
    "8": "abcdefg", "9": "abcdfg",
}  # fmt: skip
"""Lit segments of the letters and digits that seven segments can form."""


def segments(letter: str) -> int:
    """Return the lit segments of a letter, small or capital, or digit, bit 0 for a to bit 6 for g; 0 for any other."""
    shape = SHAPES.get(letter.lower(), "") if letter.isascii() else ""
    return sum(1 << SEGMENTS.index(segment) for segment in shape)


class HexDisplay(wiring.Component):
    """The last ``displays`` letters of an alphabet, from left to right as ``CharacterWindow`` has them.

    A letter that seven segments cannot form is a dark digit among the others.

    Timing: a command takes effect ``LATENCY`` cycles later; the segments are registers.

    Parameters
    ----------
    alphabet
        Letters by token.
    displays
        Digits, 1 to 64.

    Members
    -------
    commands : In(DisplaySignature)
    digits : Out([displays] of 7 bits)
        As ``segments``; 1 lights. Dark after reset. Digit 0 is the one on the right.
    """

    LATENCY = 1

    def __init__(self, alphabet: str, *, displays: int = 6) -> None:
        self.alphabet = alphabet
        self.window = CharacterWindow(displays=displays, width=len(SEGMENTS))
        super().__init__(
            {"commands": In(DisplaySignature()), "digits": Out(data.ArrayLayout(len(SEGMENTS), displays))}
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.window = window = self.window
        lit = Signal(len(SEGMENTS), name="lit")
        with m.Switch(self.commands.token):
            for token, letter in enumerate(self.alphabet):
                if segments(letter):
                    with m.Case(token):
                        m.d.comb += lit.eq(segments(letter))
        m.d.comb += [
            window.clear.eq(self.commands.clear),
            window.push.eq(self.commands.push),
            window.character.eq(lit),
            self.digits.eq(window.characters),
        ]
        return m
