"""The last six letters, as a row of displays shows them."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["BLANK", "CHARACTER_BITS", "DISPLAYS", "CharacterWindow"]

DISPLAYS = 6
CHARACTER_BITS = 5
BLANK = 26
"""Shown where there is no letter; the published model's BOS."""


class CharacterWindow(wiring.Component):
    """``DISPLAYS`` characters, filled from the highest index to 0; then each push moves them up by one.

    So a name reads from left to right, and its last letters stay. A push or clear takes effect in the next cycle; a
    clear wins. Characters of ``BLANK`` and above are no letters: a push of one does nothing.

    Members
    -------
    clear, push : In(1)
    character : In(8)
    characters : Out(array of DISPLAYS characters)
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "clear": In(1),
                "push": In(1),
                "character": In(8),
                "characters": Out(data.ArrayLayout(CHARACTER_BITS, DISPLAYS)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        shown = [Signal(CHARACTER_BITS, name=f"shown{index}", init=BLANK) for index in range(DISPLAYS)]
        # A one below the place of the next character, none once all are filled.
        free = Signal(DISPLAYS, init=1 << (DISPLAYS - 1))
        full = ~free.any()
        for index, character in enumerate(shown):
            m.d.comb += self.characters[index].eq(character)
        with m.If(self.push & (self.character < BLANK)):
            m.d.sync += free.eq(free >> 1)
            for index, character in enumerate(shown):
                before = shown[index - 1] if index else self.character
                with m.If(full):
                    m.d.sync += character.eq(before)
                with m.Elif(free[index]):
                    m.d.sync += character.eq(self.character)
        with m.If(self.clear):
            m.d.sync += [free.eq(free.init), *(character.eq(BLANK) for character in shown)]
        return m
