"""Batches as lines of text, for a terminal on a serial line."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, C, Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.boards.parts.batch_demo import BATCH_NAMES, BatchReport
from hdl.boards.parts.name_text import LINE_END

__all__ = ["DigestText", "digest_line"]

_LINE = f"seed 0x@@@@@@@@, {BATCH_NAMES} names, digest @@@@@@@@".encode("ascii") + LINE_END
"""A line; the digits of seed and digest take the places of the signs."""
_DIGIT = ord("@")


def digest_line(seed: int, digest: int) -> bytes:
    """Return the line of a batch."""
    digits = iter(f"{seed:08x}{digest:08x}".encode("ascii"))
    return bytes(next(digits) if byte == _DIGIT else byte for byte in _LINE)


class DigestText(wiring.Component):
    """``digest_line`` of each batch; one that comes while the line before is being sent is left out.

    Timing: at most a byte a cycle; respects backpressure.

    Members
    -------
    report : In(BatchReport())
    o : Out(stream.Signature(8))
    """

    def __init__(self) -> None:
        super().__init__({"report": In(BatchReport()), "o": Out(stream.Signature(8))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        out, at = self.o, Signal(range(len(_LINE) + 1), init=len(_LINE), name="at")
        # The digits that are left, the next one topmost.
        left = Signal(64, name="left")
        byte, digit = Signal(8, name="byte"), left[-4:]
        m.d.comb += [
            byte.eq(Array(_LINE)[at]),
            out.valid.eq(at != len(_LINE)),
            out.payload.eq(Mux(byte == _DIGIT, digit + Mux(digit < 10, ord("0"), ord("a") - 10), byte)),
        ]
        with m.If(out.valid & out.ready):
            m.d.sync += at.eq(at + 1)
            with m.If(byte == _DIGIT):
                m.d.sync += left.eq(Cat(C(0, 4), left))
        with m.If(~out.valid & self.report.valid):
            m.d.sync += [at.eq(0), left.eq(Cat(self.report.digest, self.report.seed))]
        return m
