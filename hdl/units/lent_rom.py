"""A ROM whose read port can be borrowed, so that a scrubber reads the very memory that a unit computes from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value

from talos_ref.golden.rom_check import FOLD_BITS

__all__ = ["Lender", "LentRom", "lent_address", "lent_enable", "lent_words", "show"]


class LentRom:
    """The borrower's end of a ROM: memories that share an address count as one with words as long as theirs together.

    Parameters
    ----------
    name
        Of the signals.
    words
        What the ROM holds, a number of unsigned bits a word.

    Attributes
    ----------
    taken
        Set by the borrower: the port reads at ``address`` in this cycle, whatever the unit asks for.
    address
        Set by the borrower.
    folded
        ``talos_ref.golden.rom_check.fold`` of the word that the port shows, a cycle after its address.
    """

    def __init__(self, name: str, words: Iterable[int]) -> None:
        self.name, self.words = name, tuple(words)
        self.taken = Signal(name=f"{name}_taken")
        self.address = Signal(range(len(self.words)), name=f"{name}_borrowed")
        self.folded = Signal(FOLD_BITS, name=f"{name}_folded")


class Lender(Protocol):
    """A unit with ROMs, or without any."""

    def lend(self) -> list[LentRom]:
        """Let a borrower have the read ports of all ROMs, and return these; to be called before elaboration, if at
        all. The unit's own reads have to wait while a port is taken."""


def lent_words(shape: Any, rows: Iterable[Any]) -> list[int]:
    """Return rows, each an initial value of a shape, as unsigned numbers."""
    width = Shape.cast(shape).width
    return [Const.cast(shape.const(row)).value & ((1 << width) - 1) for row in rows]


def lent_address(rom: LentRom | None, address: Any) -> Any:
    """Return what a read port has for its address: the unit's own, but for the time in which the ROM is taken."""
    return address if rom is None else Mux(rom.taken, rom.address, address)


def lent_enable(rom: LentRom | None, enable: Any) -> Any:
    """Return what enables a read port."""
    return enable if rom is None else rom.taken | enable


def show(m: Module, rom: LentRom | None, *words: Any) -> None:
    """Fold what the read ports of a ROM show, the memory of the lowest bits first."""
    if rom is not None:
        bits = Value.cast(Cat(Value.cast(word) for word in words))
        pieces = [bits[first : first + FOLD_BITS] for first in range(0, len(bits), FOLD_BITS)]
        m.d.comb += rom.folded.eq(Cat(Cat(piece[place] for piece in pieces if place < len(piece)).xor()
                                      for place in range(min(FOLD_BITS, len(bits)))))  # fmt: skip
