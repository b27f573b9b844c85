"""Names as lines of text, for a terminal on a serial line."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl.units.memory_ports import read_port, write_port
from hdl.units.recurrence import check_width

__all__ = ["LINE_END", "NameSignature", "NameText"]

LINE_END = b"\r\n"
"""What a terminal wants at the end of a line."""

_MAX_LETTERS = 256


class NameSignature(wiring.Signature):
    """A name, letter by letter, as it is made.

    Timing: each member is 1 for one cycle, and never two of them; whoever listens must take what comes.

    Members
    -------
    begin : Out(1)
    push : Out(1)
        The next letter is ``token``.
    end : Out(1)
        The name is finished.
    token : Out(8)
    """

    def __init__(self) -> None:
        super().__init__({"begin": Out(1), "push": Out(1), "end": Out(1), "token": Out(8)})


class NameText(wiring.Component):
    """Each finished name as a line of UTF-8.

    A name that begins while the line before is still being sent is left out, all of it.

    Timing: at most a byte a cycle, and some cycles more a letter; respects backpressure.

    Parameters
    ----------
    alphabet
        Letters by token.
    letters
        Of a name at most, 1 to 256; more are cut off.

    Members
    -------
    report : In(NameSignature())
    o : Out(stream.Signature(8))

    Raises TypeError or ValueError for ``letters`` out of range.
    """

    def __init__(self, alphabet: str, *, letters: int) -> None:
        check_width("letters", letters, _MAX_LETTERS)
        self.alphabet, self.letters = alphabet, letters
        super().__init__({"report": In(NameSignature()), "o": Out(stream.Signature(8))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        coded = [letter.encode() for letter in self.alphabet]
        longest = max(map(len, coded))
        codes = [int.from_bytes(code, "little") for code in coded]
        m.submodules.codes = table = Memory(shape=8 * longest, depth=len(codes), init=codes)
        m.submodules.letters = letters = Memory(shape=8, depth=self.letters, init=[])
        store, fetch, look_up = write_port(letters), read_port(letters), read_port(table)
        name, out = self.report, self.o
        count = Signal(range(self.letters + 1), name="count")
        index = Signal(range(self.letters + 1), name="index")
        at = Signal(range(max(longest, len(LINE_END)) + 1), name="at")
        recording = Signal(name="recording")
        m.d.comb += [
            store.addr.eq(count),
            store.data.eq(name.token),
            store.en.eq(name.push & recording & (count < self.letters)),
            fetch.addr.eq(index),
            look_up.addr.eq(fetch.data),
        ]
        with m.If(store.en):
            m.d.sync += count.eq(count + 1)
        with m.FSM():
            with m.State("LISTEN"):
                with m.If(name.begin):
                    m.d.sync += [recording.eq(1), count.eq(0)]
                with m.If(name.end & recording):
                    m.d.sync += [recording.eq(0), index.eq(0), at.eq(0)]
                    m.next = "LINE"
            with m.State("LINE"):
                # A byte of 0 is behind the last one of a letter.
                byte = look_up.data.word_select(at, 8)
                with m.If(index == count):
                    m.d.comb += [out.payload.eq(Array(LINE_END)[at]), out.valid.eq(at != len(LINE_END))]
                    with m.If(at == len(LINE_END)):
                        m.next = "LISTEN"
                with m.Else():
                    m.next = "TOKEN"
                with m.If(out.valid & out.ready):
                    m.d.sync += at.eq(at + 1)
            with m.State("TOKEN"):
                m.next = "CODE"
            with m.State("CODE"):
                m.next = "LETTER"
            with m.State("LETTER"):
                m.d.comb += [out.payload.eq(byte), out.valid.eq((at != longest) & (byte != 0))]
                with m.If(~out.valid):
                    m.d.sync += [index.eq(index + 1), at.eq(0)]
                    m.next = "LINE"
                with m.Elif(out.ready):
                    m.d.sync += at.eq(at + 1)
        return m
