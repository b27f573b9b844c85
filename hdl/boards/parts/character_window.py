"""The last characters that were pushed, as a row of displays shows them."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.units.recurrence import check_width

__all__ = ["CharacterWindow"]


class CharacterWindow(wiring.Component):
    """``displays`` characters, filled from the highest index to 0; then each push moves them up by one.

    So a name reads from left to right, and its last letters stay. A push or clear takes effect in the next cycle; a
    clear wins. A character that was not pushed is 0.

    Parameters
    ----------
    displays
        Characters, 1 to 64.
    width
        Bits of one, 1 to 64.

    Members
    -------
    clear, push : In(1)
    character : In(width)
    characters : Out(array of displays characters)

    Raises TypeError or ValueError for a parameter out of range.
    """

    def __init__(self, *, displays: int, width: int) -> None:
        check_width("displays", displays, 64)
        check_width("width", width, 64)
        self.displays, self.width = displays, width
        super().__init__(
            {
                "clear": In(1),
                "push": In(1),
                "character": In(width),
                "characters": Out(data.ArrayLayout(width, displays)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        shown = [Signal(self.width, name=f"shown{index}") for index in range(self.displays)]
        # A one at the place of the next character, none once all are filled.
        free = Signal(self.displays, init=1 << (self.displays - 1), name="free")
        full = ~free.any()
        for index, character in enumerate(shown):
            m.d.comb += self.characters[index].eq(character)
        with m.If(self.push):
            m.d.sync += free.eq(free >> 1)
            for index, character in enumerate(shown):
                before = shown[index - 1] if index else self.character
                with m.If(full):
                    m.d.sync += character.eq(before)
                with m.Elif(free[index]):
                    m.d.sync += character.eq(self.character)
        with m.If(self.clear):
            m.d.sync += [free.eq(free.init), *(character.eq(0) for character in shown)]
        return m
