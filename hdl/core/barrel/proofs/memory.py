"""The queue of a barrel's units: first in, first out, and nothing waits longer than its latency."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Signal

from hdl.core.barrel.memory import Queue
from hdl.proof import Circuit, Planted, Property, Within

__all__ = ["PROPERTIES"]

_DEPTH, _WIDTH = 4, 3


def _order(circuit: Circuit) -> None:
    m = circuit.m
    unit: Any = Queue(_WIDTH, _DEPTH)
    circuit.unit(unit, "queue")
    rows = Array(Signal(_WIDTH, name=f"row{place}") for place in range(_DEPTH))
    bits = (_DEPTH - 1).bit_length()
    come, gone = Signal(bits, name="rows_come"), Signal(bits, name="rows_gone")
    held = Signal(range(_DEPTH + 1), name="rows_held")
    taken = unit.o.valid & unit.o.ready
    # Who fills a queue knows that there is room: not more than its depth is ever in it.
    circuit.assume(~unit.i.valid | (held < _DEPTH))
    m.d.sync += [held.eq(held + unit.i.valid - taken), gone.eq(gone + taken)]
    with m.If(unit.i.valid):
        m.d.sync += [rows[come].eq(unit.i.payload), come.eq(come + 1)]
    waits = Signal(name="waits")
    m.d.sync += waits.eq(held != taken)
    circuit.always(
        ~unit.o.valid | ((held != 0) & (unit.o.payload == rows[gone])),
        # Two cycles after an entry came, and one after the one before it went, the next is offered.
        unit.o.valid == waits,
    )


PROPERTIES = (
    Property(
        name="queue.order",
        statement="Entries leave in the order in which they came, each offered two cycles after it came or at once "
        "behind the one before it.",
        claim=Within(circuit=_order, cycles=14),
        planted=Planted(
            module="hdl.core.barrel.memory",
            right="self.o.valid.eq(next_gone != come)",
            wrong="self.o.valid.eq(next_gone != come + self.i.valid)",
        ),
        quick=True,
    ),
)
