"""The word of a register map at an address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from amaranth.hdl import Module, Mux, Signal, Value

from hdl.registers.map import RegisterMap
from hdl.registers.register import Register

__all__ = ["read_multiplexer"]


def read_multiplexer(
    m: Module, registers: RegisterMap, words: Mapping[str, Sequence[Value]], address: Value
) -> Signal:
    """Return the 32 bits at an address in words, 0 where there is nothing to be read; combinational.

    Parameters
    ----------
    words
        Name of every readable register -> its words, as many as its ``count``.

    Raises
    ------
    ValueError
        If the words of a register are missing, or are too many or too few.
    """
    answer = Signal(32, name="answer")
    with m.Switch(address):
        for entry in registers.registers:
            if not entry.access.readable:
                continue
            found = words.get(entry.name, ())
            if len(found) != entry.count:
                raise ValueError(f"words of register {entry.name} must be {entry.count}, not {len(found)}")
            with m.Case(*(at >> 2 for at in entry.addresses)):
                m.d.comb += answer.eq(_chosen(found, entry, address))
    return answer


def _chosen(words: Sequence[Value], entry: Register, address: Value) -> Value:
    """Return the word at an address that is one of the register's."""
    first = entry.address >> 2
    width = (first ^ (entry.last >> 2)).bit_length()
    return _tree({(first + index) & ((1 << width) - 1): word for index, word in enumerate(words)}, address[:width])


def _tree(table: Mapping[int, Value], index: Value) -> Value:
    """Return the entry at ``index``, any where there is none; a tree takes two thirds of a case's gates."""
    if not len(index):
        return table[0]
    half = 1 << (len(index) - 1)
    low = {place: word for place, word in table.items() if place < half}
    high = {place - half: word for place, word in table.items() if place >= half}
    if not high or not low:
        return _tree(high or low, index[:-1])
    return Mux(index[-1], _tree(high, index[:-1]), _tree(low, index[:-1]))
