"""Memory blocks with a row a stream or more, and queues of what units pass on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Module, Shape, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory, ReadPort, WritePort
from amaranth.lib.wiring import In, Out

from hdl.device.target import target_of
from hdl.units.memory_ports import read_port, write_port
from hdl.units.recurrence import check_width

__all__ = ["LEAST_DEPTH", "Queue", "block_memory", "block_rom"]

LEAST_DEPTH = 32
"""With fewer rows Yosys (0.70) makes registers and multiplexers of a memory, for it fills too little of a block."""


def block_memory(m: Module, platform: Any, name: str, shape: Any, depth: int) -> tuple[WritePort, ReadPort]:
    """Add a memory, and return its ports. A read gives a row a cycle after its address, and its old words while it is
    being written."""
    depth = max(depth, LEAST_DEPTH)
    attributes = target_of(platform).memory_attributes(depth, Shape.cast(shape).width)
    m.submodules[name] = memory = Memory(shape=shape, depth=depth, init=(), attrs=attributes)
    return write_port(memory), read_port(memory)


def block_rom(m: Module, name: str, shape: Any, rows: Sequence[Any]) -> ReadPort:
    """Add a memory that is only read, and return its port; a row comes a cycle after its address."""
    m.submodules[name] = memory = Memory(shape=shape, depth=max(len(rows), 2), init=rows)
    return read_port(memory)


class Queue(wiring.Component):
    """First in, first out, in a memory; for what never has more than ``depth`` entries in it.

    An entry is offered ``LATENCY`` cycles after it came, at the earliest; one a cycle in and out. It asks nobody to
    wait: who fills it must know that there is room.

    Parameters
    ----------
    shape
        Of an entry.
    depth
        Entries, a power of two from 1 to 65,536.

    Raises TypeError or ValueError for a depth of the wrong kind or out of range.

    Members
    -------
    i : In(stream), always ready
    o : Out(stream)
    """

    LATENCY = 2

    def __init__(self, shape: Any, depth: int) -> None:
        check_width("depth", depth, 65_536)
        if depth & (depth - 1):
            raise ValueError(f"depth must be a power of two, not {depth!r}")
        self.shape, self.depth = shape, depth
        super().__init__({"i": In(stream.Signature(shape, always_ready=True)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        write, read = block_memory(m, platform, "memory", self.shape, self.depth)
        bits = (self.depth - 1).bit_length()
        # One bit more than a place has, so that a full queue is no empty one.
        come, gone = Signal(bits + 1, name="come"), Signal(bits + 1, name="gone")
        next_gone = Signal(bits + 1, name="next_gone")
        m.d.comb += [
            write.addr.eq(come[:bits]),
            write.data.eq(self.i.payload),
            write.en.eq(self.i.valid),
            next_gone.eq(gone + (self.o.valid & self.o.ready)),
            read.addr.eq(next_gone[:bits]),
            self.o.payload.eq(read.data),
        ]
        # What comes in this cycle can be read in the next, not yet in this one.
        m.d.sync += [come.eq(come + self.i.valid), gone.eq(next_gone), self.o.valid.eq(next_gone != come)]
        return m
