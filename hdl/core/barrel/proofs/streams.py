"""The streams of a barrel: results of steps that were begun alone, in their order, and every seed once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from amaranth.hdl import Array, Mux, Signal

from hdl.core.barrel.streams import Streams
from hdl.core.config import BARRELS
from hdl.proof import Circuit, Planted, Property, Within

__all__ = ["PROPERTIES"]

_STREAMS = 2
_CYCLES = 14
"""A step takes four or more: two steps of each stream, or one of them and the next name."""


def _results(circuit: Circuit) -> None:
    m, config = circuit.m, replace(BARRELS["barrel"], streams=_STREAMS)
    model = config.model
    unit: Any = Streams(config)
    inside = circuit.unit(unit, "streams")
    result, drawn, batch = unit.result.p, unit.drawn.p, unit.batch.p

    # A stream's step: begun, drawn, and taken as a result. Every begun one is drawn once, with any token, whenever.
    begun = Array(Signal(name=f"begun{number}") for number in range(_STREAMS))
    held = Array(Signal(name=f"held{number}") for number in range(_STREAMS))
    position = Array(Signal(range(model.block_size), name=f"position{number}") for number in range(_STREAMS))
    seed = Array(Signal(32, name=f"seed{number}") for number in range(_STREAMS))
    limit = Array(Signal(range(model.block_size), name=f"limit{number}") for number in range(_STREAMS))
    circuit.assume(~unit.drawn.valid | begun[drawn.stream], drawn.token < model.vocab_size)
    with m.If(unit.drawn.valid):
        m.d.sync += [begun[drawn.stream].eq(0), held[drawn.stream].eq(1)]

    # The batch: its seeds in turn, as many as were asked for.
    next_seed, left = Signal(32, name="next_seed"), Signal(32, name="seeds_left")
    letters = Signal(range(model.block_size), name="asked_letters")
    legal = (batch.count != 0) & (batch.limit != 0) & (batch.limit <= model.max_letters)
    accept = unit.batch.valid & unit.batch.ready
    with m.If(accept & legal):
        m.d.sync += [next_seed.eq(batch.seed), left.eq(batch.count), letters.eq(batch.limit)]
    with m.If(unit.first.valid):
        m.d.sync += [next_seed.eq(next_seed + 1), left.eq(left - 1)]

    taken, number = unit.result.valid & unit.result.ready, result.stream
    last = (result.token == model.bos) | (position[number] + 1 == limit[number])
    with m.If(taken):
        m.d.sync += held[number].eq(0)
    with m.If(unit.job.valid):
        m.d.sync += [begun[unit.job.p.stream].eq(1), position[unit.job.p.stream].eq(position[unit.job.p.stream] + 1)]
    first = unit.first.payload
    with m.If(unit.first.valid):
        m.d.sync += [begun[first].eq(1), position[first].eq(0), seed[first].eq(next_seed), limit[first].eq(letters)]

    waits, same = circuit.offered(unit.result)
    free = inside["free"]
    circuit.always(
        ~waits | (unit.result.valid & same),
        ~unit.result.valid | (held[number] & (result.position == position[number]) & (result.seed == seed[number])),
        ~unit.result.valid | (result.last == last),
        unit.taken == taken,
        # A step that goes on is that of the result, and a name begins where none is.
        unit.job.valid == (taken & ~last),
        ~unit.job.valid | ((unit.job.p.stream == number) & (unit.job.p.token == result.token)),
        ~unit.job.valid | (unit.job.p.position == position[number] + 1),
        ~unit.first.valid | ((left != 0) & ~begun[first] & Mux(taken & (first == number), last, ~held[first])),
        unit.accepted == (accept & legal),
        ~accept | (left == 0),
        unit.busy == ((left != 0) | ~free.all()),
        *(free[place] == ~(begun[place] | held[place]) for place in range(_STREAMS)),
    )


PROPERTIES = (
    Property(
        name="streams.results",
        statement=(
            "Of two streams: a result comes of a step that was begun, with its seed and position, stays until it is "
            "taken, and the name goes on or ends with it; every seed of a batch begins once."
        ),
        claim=Within(circuit=_results, cycles=_CYCLES),
        planted=Planted(
            module="hdl.core.barrel.streams",
            right="begin.eq((left != 0) & (ended | (~self.taken & any_free)))",
            wrong="begin.eq((left != 0) & (self.taken | any_free))",
        ),
    ),
)
