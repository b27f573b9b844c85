"""Reads all ROMs of a core over and over while nobody else does, and tells of one that has changed."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import reduce
from itertools import pairwise
from operator import xor
from typing import Any

from amaranth.hdl import C, Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl.units.format import index_shape
from hdl.units.lent_rom import LentRom
from hdl.units.select import choose
from talos_ref.golden.rom_check import FOLD_BITS, rom_crc

__all__ = ["RomScrubber"]

_CRC_BITS = 32


class RomScrubber(wiring.Component):
    """The CRC-32 of all ROMs, one after another and word by word, beside that of what they were made with.

    It is ``talos_ref.golden.rom_check.rom_crc``, which says what it detects. A pass takes ``cycles`` without a pause,
    and the next one follows; a cycle without ``idle`` begins it anew. A port is taken in no such cycle, so that who
    needs a ROM never waits for it; the word that is read then is no longer looked at.

        0: a word is addressed    1: it is folded    2: it joins the CRC    3: after the last one: compared

    Parameters
    ----------
    roms
        One or more, that `hdl.units.lent_rom.Lender` gives.

    Members
    -------
    idle : In(1)
        Nobody else reads a ROM in this cycle, or has a use for what its port shows.
    passed : Out(1)
        A pass has ended, for one cycle.
    corrupt : Out(1)
        With ``passed``: some word is not what it was made as.
    """

    DRAIN = 3
    """Cycles from the last word's address to the end of the pass."""

    def __init__(self, roms: Sequence[LentRom]) -> None:
        if not roms:
            raise ValueError("roms must be one or more, not none")
        self.roms = list(roms)
        self.crc = rom_crc(rom.words for rom in self.roms)
        self.cycles = sum(len(rom.words) for rom in self.roms) + self.DRAIN
        super().__init__({"idle": In(1), "passed": Out(1), "corrupt": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        roms, most = self.roms, max(len(rom.words) for rom in self.roms)
        turn, place = Signal(index_shape(len(roms)), name="turn"), Signal(index_shape(most), name="place")
        issue, last, restart = Signal(name="issue"), Signal(name="last"), Signal(name="restart")
        # What a word was, on its way: the last one of the pass, and whether there is one.
        lasts = [last, *(Signal(name=f"last{stage}") for stage in (1, 2, 3))]
        valids = [issue, *(Signal(name=f"valid{stage}") for stage in (1, 2))]
        ending, last_place = Signal(name="ending"), Signal(name="last_place")
        ends = [C(len(rom.words) - 1, index_shape(most)) for rom in roms]

        # Cycle 0.
        m.d.comb += [
            issue.eq(self.idle & ~ending),
            last_place.eq(place == choose(ends, turn)),
            last.eq(issue & last_place & (turn == len(roms) - 1)),
            restart.eq(~self.idle | self.passed),
        ]
        with m.If(restart):
            m.d.sync += [turn.eq(0), place.eq(0), ending.eq(0)]
        with m.Elif(issue):
            m.d.sync += [place.eq(place + 1), ending.eq(last)]
            with m.If(last_place):
                m.d.sync += [place.eq(0), turn.eq(turn + 1)]
        shown = []
        for number, rom in enumerate(roms):
            seen = Signal(name=f"shown{number}")
            m.d.comb += [rom.taken.eq(issue & (turn == number)), rom.address.eq(place)]
            m.d.sync += seen.eq(rom.taken)
            shown.append(rom.folded & seen.replicate(FOLD_BITS))

        # Cycles 1 and 2.
        word, crc = Signal(FOLD_BITS, name="word"), Signal(_CRC_BITS, init=-1, name="crc")
        m.d.sync += word.eq(reduce(xor, shown))
        for pipe in (lasts, valids):
            for before, after in pairwise(pipe):
                m.d.sync += after.eq(before & ~restart)
        with m.If(restart):
            m.d.sync += crc.eq(-1)
        with m.Elif(valids[2]):
            m.d.sync += crc.eq(_joined(crc, word))

        # Cycle 3.
        m.d.comb += [self.passed.eq(lasts[3]), self.corrupt.eq(self.passed & (~crc != self.crc))]
        return m


def _joined(crc: Signal, word: Signal) -> Any:
    """Return the CRC, not inverted, of what it is of and ``word``: for each bit an exclusive or of some."""
    # The CRC and as many of the next bits come in together.
    bits = Cat(crc ^ word[:_CRC_BITS], word[_CRC_BITS:])
    ones = (1 << _CRC_BITS) - 1
    columns = [
        zlib.crc32((1 << bit).to_bytes(FOLD_BITS // 8, "little"), ones) ^ ones for bit in range(FOLD_BITS)
    ]
    return Cat(
        Cat(bits[bit] for bit, column in enumerate(columns) if column >> place & 1).xor() for place in range(_CRC_BITS)
    )
