"""A digest on a row of seven-segment digits."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.boards.parts.hex_display import SEGMENTS, segments
from hdl.registers.display import DigestSignature
from hdl.units.recurrence import check_width

__all__ = ["DigestDisplay"]

_DIGITS = 8


class DigestDisplay(wiring.Component):
    """The last ``displays`` hexadecimal digits of the digest, ``LATENCY`` cycles later: the segments are registers.

    They change too fast to be read while names are under way, and stay after them.

    Parameters
    ----------
    displays
        Digits, 1 to 8.

    Members
    -------
    commands : In(DigestSignature)
    digits : Out([displays] of 7 bits)
        As ``segments``; 1 lights. Digit 0 is the one on the right.
    """

    LATENCY = 1

    def __init__(self, *, displays: int = 6) -> None:
        check_width("displays", displays, _DIGITS)
        self.displays = displays
        super().__init__(
            {"commands": In(DigestSignature()), "digits": Out(data.ArrayLayout(len(SEGMENTS), displays))}
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for place in range(self.displays):
            with m.Switch(self.commands.digest.word_select(place, 4)):
                for value in range(16):
                    with m.Case(value):
                        m.d.sync += self.digits[place].eq(segments(f"{value:x}"))
        return m
