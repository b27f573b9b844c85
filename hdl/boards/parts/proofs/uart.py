"""The UART: bits of a byte in order and in time, and what is sent is what is received."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Mux, Signal

from hdl.boards.parts.uart import FRAME_BITS, BitRate, UartReceiver, UartTransmitter
from hdl.proof import Always, Circuit, Planted, Property, Within

__all__ = ["PROPERTIES"]

_RATE = BitRate(8, 1)
"""The shortest bit."""
_BIT = _RATE.period


def _transmitter(circuit: Circuit) -> None:
    m = circuit.m
    unit: Any = UartTransmitter(_RATE)
    inside = circuit.unit(unit, "transmitter")
    byte, cycle = Signal(8, name="byte"), Signal(range(FRAME_BITS * _BIT + 1), name="cycle")
    with m.If(unit.i.valid & unit.i.ready):
        m.d.sync += [byte.eq(unit.i.payload), cycle.eq(1)]
    with m.Elif(cycle == FRAME_BITS * _BIT):
        m.d.sync += cycle.eq(0)
    with m.Elif(cycle != 0):
        m.d.sync += cycle.eq(cycle + 1)
    # Start, data, stop; the number of the bit that is on the line.
    frame, number = Cat(0, byte, 1), Signal(range(FRAME_BITS), name="number")
    m.d.comb += number.eq((cycle - 1) >> 3)
    busy = cycle != 0
    left, phase = inside["left"], inside["value"]
    circuit.always(
        unit.i.ready == ~busy,
        unit.tx == Mux(busy, frame.bit_select(number, 1), 1),
        cycle <= FRAME_BITS * _BIT,
        (left != 0) == busy,
        ~busy | ((left == FRAME_BITS - number) & (phase == (cycle - 1)[:3])),
        ~busy | (inside["bits"] == (Cat(byte, (1 << FRAME_BITS) - 1) >> number)[:8]),
    )


def _loop(circuit: Circuit) -> None:
    """One byte after another, when it likes, from a transmitter to a receiver of the same rate."""
    m = circuit.m
    sender: Any = UartTransmitter(_RATE)
    receiver: Any = UartReceiver(_RATE)
    circuit.unit(sender, "sender")
    circuit.unit(receiver, "receiver")
    m.d.comb += receiver.rx.eq(sender.tx)
    byte, sent = Signal(8, name="byte"), Signal(name="sent")
    circuit.assume(~circuit.reset())
    with m.If(sender.i.valid & sender.i.ready):
        m.d.sync += [byte.eq(sender.i.payload), sent.eq(1)]
    with m.Elif(receiver.o.valid):
        m.d.sync += sent.eq(0)
    circuit.always(
        ~receiver.error,
        ~receiver.o.valid | (sent & (receiver.o.payload == byte)),
        ~(sent & sender.i.valid & sender.i.ready),
    )


def _receiver(circuit: Circuit) -> None:
    """Anything on the line."""
    m = circuit.m
    unit: Any = UartReceiver(_RATE)
    inside = circuit.unit(unit, "receiver")
    given = unit.o.valid | unit.error
    since = Signal(range(9 * _BIT), name="since")
    with m.If(given):
        m.d.sync += since.eq(1)
    with m.Elif((since != 0) & (since != 8 * _BIT)):
        m.d.sync += since.eq(since + 1)
    with m.Elif(since == 8 * _BIT):
        m.d.sync += since.eq(0)
    circuit.always(~(unit.o.valid & unit.error), ~given | (since == 0))
    # How far a frame has come since the last byte.
    in_frame = inside["state"] == 2
    circuit.always(
        inside["state"] <= 2,
        since <= 8 * _BIT,
        ~in_frame | (inside["at"] < FRAME_BITS - 1) | ((inside["at"] == FRAME_BITS - 1) & (inside["value"] < 5)),
        ~in_frame | (since == 0) | (_BIT * inside["at"] + inside["value"] < since),
    )


PROPERTIES = (
    Property(
        name="uart.transmitter",
        statement="Start bit, data bits and stop bit are on the line in order, eight cycles each; then it is ready.",
        claim=Always(circuit=_transmitter, cycles=12),
        planted=Planted(
            module="hdl.boards.parts.uart",
            right="self.tx.eq(0), bits.eq(self.i.payload), left.eq(FRAME_BITS)",
            wrong="self.tx.eq(0), bits.eq(self.i.payload), left.eq(FRAME_BITS - 1)",
        ),
        quick=True,
    ),
    Property(
        name="uart.receiver",
        statement="Whatever the line does, bytes and errors are apart by the time of eight bits at least.",
        claim=Always(circuit=_receiver, cycles=90),
        planted=Planted(
            module="hdl.boards.parts.uart",
            right="self.o.valid.eq(decided & (at == FRAME_BITS - 1) & level)",
            wrong="self.o.valid.eq(decided & (at >= FRAME_BITS - 2) & level)",
        ),
    ),
    Property(
        name="uart.loop",
        statement="Every byte sent is received as it is, without an error, before the next is accepted.",
        claim=Within(circuit=_loop, cycles=100),
        planted=Planted(
            module="hdl.boards.parts.uart",
            right="m.d.sync += bits.eq(Cat(bits[1:], level))",
            wrong="m.d.sync += bits.eq(Cat(bits[1:], level & (at != 8)))",
        ),
    ),
)
