"""What every demo does: a run when one is due, the writes by which a host would set it up, accesses of the bus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from amaranth.hdl import Array, Const, Module, Signal, Value

from hdl.registers.map import TEMPERATURE, RegisterMap
from hdl.units.recurrence import check_width

__all__ = ["FIRST_SEED", "Write", "check_cycles", "offer_read", "offer_write", "offered_writes", "run_due", "settings"]

FIRST_SEED = 1
"""Of the first run after a reset."""

Write = tuple[int, Value]
"""Address and word."""

_MOST_CYCLES = 1 << 40


def check_cycles(cycles: int) -> None:
    """Raise TypeError or ValueError unless ``cycles`` can be the time from one run to the next."""
    check_width("cycles", cycles, _MOST_CYCLES)


def run_due(m: Module, cycles: int) -> Signal:
    """Return what is set to 1 every ``cycles`` cycles, from a reset on; who begins a run sets it to 0."""
    left = Signal(range(cycles), name="left")
    due = Signal(init=1, name="due")
    with m.If(left == 0):
        m.d.sync += [left.eq(cycles - 1), due.eq(1)]
    with m.Else():
        m.d.sync += left.eq(left - 1)
    return due


def settings(registers: RegisterMap, seed: Signal) -> tuple[Write, Write]:
    """Return the writes that ask for names from ``seed`` on, as long as the model makes them, at temperature 0.5."""
    config = registers.register("config")
    word = config.encode(limit=registers.model.max_letters, temperature=TEMPERATURE)
    return (config.address, Const(word)), (registers.register("seed").address, seed)


# What follows is for the states of a demo.


@contextmanager
def offered_writes(m: Module, bus: Any, writes: Sequence[Write], at: Signal) -> Iterator[None]:
    """Offer the write number ``at``, which counts on; the block is for the cycle in which the last is accepted."""
    addresses = Array(Const(address, len(bus.address)) for address, _ in writes)
    words = Array(word for _, word in writes)
    with m.If(offer_write(m, bus, addresses[at], words[at])):
        m.d.sync += at.eq(at + 1)
        with m.If(at == len(writes) - 1):
            yield


def offer_write(m: Module, bus: Any, address: Any, word: Any) -> Value:
    """Offer a write; return whether it is accepted in this cycle."""
    m.d.comb += [bus.write.eq(1), bus.address.eq(address), bus.writedata.eq(word)]
    return ~bus.waitrequest


def offer_read(m: Module, bus: Any, address: Any) -> Value:
    """Offer a read; return whether it is accepted in this cycle. Its answer comes with ``readdatavalid``."""
    m.d.comb += [bus.read.eq(1), bus.address.eq(address)]
    return ~bus.waitrequest
