"""A scrubber takes a ROM's port while nobody else may need it, and reads every word of a pass in its turn."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from amaranth.hdl import C, Mux, Signal

from hdl.proof import Always, Circuit, Planted, Property
from hdl.units.lent_rom import LentRom
from hdl.units.rom_scrubber import RomScrubber

__all__ = ["PROPERTIES"]

_DEPTHS = (3, 2, 4)


def _reads(circuit: Circuit) -> None:
    """``read`` counts the words of a pass by what is taken alone; what the ROMs show may be anything."""
    m = circuit.m
    roms = [LentRom(f"rom{number}", range(depth)) for number, depth in enumerate(_DEPTHS)]
    unit: Any = RomScrubber(roms)
    inside = circuit.unit(unit, "scrubber")
    for number, rom in enumerate(roms):
        m.d.comb += rom.folded.eq(circuit.free(len(rom.folded), f"shown_word{number}"))
    words, after = sum(_DEPTHS), RomScrubber.DRAIN
    read, ended = Signal(range(words + 1), name="read"), Signal(range(after + 1), name="ended")
    taken = Signal(name="taken_any")
    whole = read == words
    m.d.comb += taken.eq(reduce(or_, (rom.taken for rom in roms)))
    m.d.sync += [
        read.eq(Mux(unit.idle & ~unit.passed, read + taken, 0)),
        ended.eq(Mux(unit.idle & ~unit.passed & (whole | (read + taken == words)), ended + 1, 0)),
    ]
    first = 0
    for number, (rom, depth) in enumerate(zip(roms, _DEPTHS, strict=True)):
        mine = (read >= first) & (read < first + depth)
        circuit.always(
            ~rom.taken | unit.idle,
            rom.taken == (unit.idle & mine),
            ~rom.taken | (rom.address == (read - first)[:3]),
        )
        # So that the claim follows from itself.
        circuit.always(~mine | ((inside["turn"] == number) & (inside["place"] == (read - first)[:3])))
        first += depth
    circuit.always(
        read <= words,
        unit.passed == (ended == after),
        ~unit.corrupt | unit.passed,
        inside["ending"] == whole,
        ~whole | (ended != 0),
        whole | (ended == 0),
        *((inside[f"last{stage}"] == (ended == C(stage, 2))) for stage in (1, 2, 3)),
    )


PROPERTIES = (
    Property(
        name="rom_scrubber.reads",
        statement="A port is taken in no cycle but an idle one, and a pass is each word of each ROM once, in order.",
        claim=Always(circuit=_reads, cycles=20),
        planted=Planted(
            module="hdl.units.rom_scrubber",
            right="issue.eq(self.idle & ~ending)",
            wrong="issue.eq(~ending)",
        ),
        quick=True,
    ),
)
