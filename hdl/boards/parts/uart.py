"""A UART: 8 data bits, the lowest first, no parity, one stop bit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from math import gcd
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

__all__ = ["FRAME_BITS", "BitRate", "UartReceiver", "UartTransmitter"]

FRAME_BITS = 10
"""Bits of a byte on the line: start, data, stop."""

_DATA_BITS = 8
_MIN_CYCLES = 8
"""Clock cycles of a bit at least, so that its three samples fall into three cycles."""


@dataclass(frozen=True)
class BitRate:
    """A rate in bits a second, cut out of a clock.

    A bit is ``clock_hz / baud`` cycles long in the mean. A single bit is that rounded down or up; the rounding errors
    do not add up.

    Raises TypeError for what is no integer, ValueError if a bit is shorter than 8 cycles.
    """

    clock_hz: int
    baud: int

    def __post_init__(self) -> None:
        for name in ("clock_hz", "baud"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"{name} must be an integer, not {value!r}")
        if self.clock_hz < _MIN_CYCLES:
            raise ValueError(f"clock_hz must be {_MIN_CYCLES} or more, not {self.clock_hz!r}")
        high = self.clock_hz // _MIN_CYCLES
        if not 1 <= self.baud <= high:
            raise ValueError(f"baud must be 1 to {high} at a clock of {self.clock_hz} Hz, not {self.baud!r}")

    @property
    def period(self) -> int:
        """What a phase accumulator counts to in a bit."""
        return self.clock_hz // gcd(self.clock_hz, self.baud)

    @property
    def step(self) -> int:
        """What it adds in a cycle."""
        return self.baud // gcd(self.clock_hz, self.baud)

    def cycles(self, bits: int) -> int:
        """Return the clock cycles of some bits, rounded up."""
        return -(-bits * self.clock_hz // self.baud)


class _Phase:
    """Where in a bit the line is: a phase accumulator, 0 at the beginning of a bit."""

    def __init__(self, m: Module, rate: BitRate) -> None:
        self._m, self._rate = m, rate
        self.value = Signal(range(rate.period), name="value")
        self.ends = Signal(name="ends")
        m.d.comb += self.ends.eq(self.value >= rate.period - rate.step)

    def advance(self) -> None:
        """Go on by a cycle, into the next bit at the end."""
        rate = self._rate
        wraps = self.value - (rate.period - rate.step)
        self._m.d.sync += self.value.eq(Mux(self.ends, wraps, self.value + rate.step))

    def passes(self, eighths: int) -> Value:
        """Return whether this is the last cycle before so many eighths of the bit are over."""
        point = self._rate.period * eighths // 8
        return (self.value < point) & (self.value + self._rate.step >= point)


class UartTransmitter(wiring.Component):
    """Bytes from a stream onto a line.

    Timing: the start bit begins ``LATENCY`` cycles after a byte's acceptance. The next byte is accepted at the end of
    its stop bit, so that a byte takes 10 bits and a cycle.

    Parameters
    ----------
    rate : BitRate

    Members
    -------
    i : In(stream.Signature(8))
    tx : Out(1)
        A register, 1 while there is nothing to send.
    """

    LATENCY = 1

    def __init__(self, rate: BitRate) -> None:
        self.rate = rate
        super().__init__({"i": In(stream.Signature(_DATA_BITS)), "tx": Out(1, init=1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        phase = _Phase(m, self.rate)
        bits = Signal(_DATA_BITS, name="bits")
        left = Signal(range(FRAME_BITS + 1), name="left")
        m.d.comb += self.i.ready.eq(left == 0)
        with m.If(left != 0):
            phase.advance()
            with m.If(phase.ends):
                # Behind the data bits come ones: the stop bit, and the line at rest.
                m.d.sync += [self.tx.eq(bits[0]), bits.eq(Cat(bits[1:], 1)), left.eq(left - 1)]
        with m.Elif(self.i.valid):
            m.d.sync += [self.tx.eq(0), bits.eq(self.i.payload), left.eq(FRAME_BITS), phase.value.eq(0)]
        return m


class _State(IntEnum):
    BREAK = 0
    IDLE = 1
    FRAME = 2


class UartReceiver(wiring.Component):
    """Bytes from a line.

    Each bit is sampled three times, at 3/8, 4/8 and 5/8, and is what two of the samples say. A start bit that is none
    by its samples was noise and is forgotten. A stop bit of 0 is an error, or a break; the next start bit is then
    awaited only after the line was 1 again.

    The sender's rate may be 2 % off, with each of its edges displaced by up to 2 % of a bit; at bits of 20 cycles or
    more 3 %, without.

    Timing: a byte is offered 9 5/8 bits after its start bit began, and 3 to 4 cycles for the synchronizer.

    Parameters
    ----------
    rate : BitRate

    Members
    -------
    rx : In(1)
        Asynchronous.
    o : Out(stream.Signature(8, always_ready=True))
        There for one cycle, without backpressure.
    error : Out(1)
        1 for one cycle in place of a byte whose stop bit is 0.
    """

    def __init__(self, rate: BitRate) -> None:
        self.rate = rate
        super().__init__(
            {
                "rx": In(1, init=1),
                "o": Out(stream.Signature(_DATA_BITS, always_ready=True)),
                "error": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        phase = _Phase(m, self.rate)
        line = Signal(init=1, name="line")
        m.submodules.synchronizer = FFSynchronizer(self.rx, line, init=1)
        state = Signal(_State, name="state")
        samples = Signal(2, name="samples")
        bits = Signal(_DATA_BITS, name="bits")
        at = Signal(range(FRAME_BITS), name="at")
        level = Signal(name="level")
        decided = Signal(name="decided")
        m.d.comb += [
            level.eq((line & samples.any()) | samples.all()),
            decided.eq((state == _State.FRAME) & phase.passes(5)),
            self.o.payload.eq(bits),
            self.o.valid.eq(decided & (at == FRAME_BITS - 1) & level),
            self.error.eq(decided & (at == FRAME_BITS - 1) & ~level),
        ]
        with m.Switch(state):
            with m.Case(_State.BREAK):
                with m.If(line):
                    m.d.sync += state.eq(_State.IDLE)
            with m.Case(_State.IDLE):
                with m.If(~line):
                    # The edge was one to two cycles before the next cycle, and a sample is taken up to one too early.
                    m.d.sync += [state.eq(_State.FRAME), at.eq(0), phase.value.eq(self.rate.step)]
            with m.Case(_State.FRAME):
                phase.advance()
                with m.If(phase.passes(3) | phase.passes(4)):
                    m.d.sync += samples.eq(Cat(line, samples[0]))
                with m.If(phase.ends):
                    m.d.sync += at.eq(at + 1)
                with m.If(decided):
                    with m.If(at == 0):
                        with m.If(level):
                            m.d.sync += state.eq(_State.IDLE)
                    with m.Elif(at == FRAME_BITS - 1):
                        # What is left of the stop bit is slack, for a sender that is faster.
                        m.d.sync += state.eq(Mux(level, _State.IDLE, _State.BREAK))
                    with m.Else():
                        m.d.sync += bits.eq(Cat(bits[1:], level))
        return m
