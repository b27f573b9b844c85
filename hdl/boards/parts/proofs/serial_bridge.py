"""The serial bridge: its buffer never overflows, it keeps to Avalon, and it executes whole frames alone.

Bytes may come and go in any cycle, and the checksum may say anything: receiver, transmitter and CRC are left away.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Mux, Signal

from hdl.boards.parts.serial_bridge import SerialBridge
from hdl.boards.parts.serial_protocol import BURST_WORDS, CRC_BYTES, MAX_BODY, READ_BODY
from hdl.proof import Always, Circuit, Planted, Property

__all__ = ["PROPERTIES"]

_BODY, _CHECK, _FETCH, _WRITE, _READ, _WAIT, _HEAD, _WORDS, _CHECKSUM = range(2, 11)
_HEAD_BYTES = 4


def _bridge(circuit: Circuit) -> tuple[Any, dict[str, Signal]]:
    unit: Any = SerialBridge(clock_hz=8, baud=1)
    return unit, circuit.unit(unit, "bridge", without=("receiver", "transmitter", "crc"))


def _buffer(circuit: Circuit) -> None:
    """Any line, any target."""
    inside = _bridge(circuit)[1]
    state, at, left, index, words = (inside[name] for name in ("state", "at", "left", "index", "words"))
    body, executes = state == _BODY, (state >= _FETCH) & (state <= _WAIT)
    length = inside["length"]
    come = Mux(at < length, at, length)
    circuit.always(
        state <= _CHECKSUM,
        index <= BURST_WORDS,
        ~body | ((at + left == length + CRC_BYTES) & (left != 0)),
        ~body | ((length >= READ_BODY) & (length <= MAX_BODY)),
        ~body | (index == Mux(come < _HEAD_BYTES, 0, (come - _HEAD_BYTES) >> 2)),
        (state < _FETCH) | (words <= BURST_WORDS),
        ~(executes | (state == _WORDS)) | (index < words),
        (state != _HEAD) | (index == 0),
        # A word is stored where there is room for it.
        ~inside["write__en"] | (index < BURST_WORDS),
    )


def _executes(circuit: Circuit) -> None:
    """A frame whose check has just been found right: from then on until its last word the bus may be used."""
    m = circuit.m
    unit, inside = _bridge(circuit)
    bus, state = unit.bus, inside["state"]
    right = Signal(name="right")
    with m.If(state == _CHECK):
        m.d.sync += right.eq(inside["crc.match_detected"])
    circuit.always(~(bus.read | bus.write) | right, ~((state >= _FETCH) & (state <= _WAIT)) | right)


def _avalon(circuit: Circuit) -> None:
    m = circuit.m
    unit, _ = _bridge(circuit)
    bus = unit.bus
    request = Cat(bus.read, bus.write, bus.address, bus.byteenable, bus.writedata & bus.write.replicate(32))
    waits, before = Signal(2, name="waits"), Signal(len(request), name="before")
    m.d.sync += [waits.eq(Cat((bus.read | bus.write) & bus.waitrequest, waits[0])), before.eq(request)]
    circuit.always(~(bus.read & bus.write), ~waits[0] | (request == before))


PROPERTIES = (
    Property(
        name="serial_bridge.buffer",
        statement="Whatever the line says, no word is stored beyond the buffer, and none read that was not asked for.",
        claim=Always(circuit=_buffer, cycles=16),
        planted=Planted(
            module="hdl.boards.parts.serial_bridge",
            right="(byte >= READ_BODY) & (byte <= MAX_BODY)",
            wrong="(byte >= READ_BODY)",
        ),
    ),
    Property(
        name="serial_bridge.check",
        statement="The bus is used only for a frame whose checksum was right.",
        claim=Always(circuit=_executes, cycles=16),
        planted=Planted(
            module="hdl.boards.parts.serial_bridge",
            right="with m.If(crc.match_detected):",
            wrong="with m.If(crc.match_detected | reads):",
        ),
    ),
    Property(
        name="serial_bridge.avalon",
        statement="An access stays as it is until it is accepted, and is a read or a write.",
        claim=Always(circuit=_avalon, depth=2, cycles=16),
        planted=Planted(
            module="hdl.boards.parts.serial_bridge",
            right="bus.address.eq(request.address + (index << 2))",
            wrong="bus.address.eq(request.address + (index << 2) + bus.waitrequest)",
        ),
    ),
)
