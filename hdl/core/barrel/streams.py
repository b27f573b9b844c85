"""The streams: seeds handed out, drawn tokens fed back, results offered."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.core.barrel.draw import drawn_layout, random_layout
from hdl.core.barrel.interface import batch_layout, result_layout
from hdl.core.barrel.jobs import job_layout
from hdl.core.barrel.memory import Queue, block_memory
from hdl.core.config import CoreConfig
from hdl.core.requests import at_most
from hdl.units.format import index_shape, shape_of
from hdl.units.priority import first_index
from hdl.units.xorshift32 import usable_state, xorshift32
from talos_ref.golden.sampler import TEMPERATURE

__all__ = ["Streams", "state_layout"]


def state_layout(config: CoreConfig) -> data.StructLayout:
    """Return what is known of a stream's name: what its step is drawn with, its seed, limit and position."""
    positions = range(config.model.block_size)
    return data.StructLayout({"random": random_layout(), "seed": 32, "limit": positions, "position": positions})


class Streams(wiring.Component):
    """A name in every stream, as long as there are seeds; the next one begins in the cycle that takes the last result.

    A token can be taken ``Queue.LATENCY + 1`` cycles after it came, and another one every second cycle.

    Members
    -------
    batch, result, error
        As of the core.
    drawn : In(stream of drawn_layout), always ready
    chosen : In
        A stream whose random state is wanted; ``random`` has it a cycle later.
    random : Out(random_layout)
    job : Out(stream of job_layout), always ready
        A step at a position above 0.
    first : Out(stream of a stream's number), always ready
        A step at position 0.
    accepted, taken : Out(1)
        A legal batch, or a result.
    busy : Out(1)
        A stream is at work, or seeds are left.
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        super().__init__(
            {
                "batch": In(stream.Signature(batch_layout(config))),
                "result": Out(stream.Signature(result_layout(config))),
                "drawn": In(stream.Signature(drawn_layout(config), always_ready=True)),
                "chosen": In(index_shape(config.streams)),
                "random": Out(random_layout()),
                "job": Out(stream.Signature(job_layout(config), always_ready=True)),
                "first": Out(stream.Signature(index_shape(config.streams), always_ready=True)),
                "accepted": Out(1),
                "taken": Out(1),
                "busy": Out(1),
                "error": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        config, model, count = self.config, self.config.model, self.config.streams

        # The batch at hand.
        seed, left = Signal(32, name="seed"), Signal(32, name="left")
        temperature = Signal(shape_of(TEMPERATURE), name="temperature")
        letters = Signal(range(model.block_size), name="letters")
        legal, accept = Signal(name="legal"), Signal(name="accept")
        m.d.comb += [
            legal.eq(
                self.batch.p.count.any() & self.batch.p.limit.any() & at_most(self.batch.p.limit, model.max_letters)
            ),
            self.batch.ready.eq(left == 0),
            accept.eq(self.batch.valid & self.batch.ready),
            self.accepted.eq(accept & legal),
        ]
        with m.If(accept):
            m.d.sync += self.error.eq(~legal)

        # A token that has been drawn, and the state of its stream, which follows a cycle later.
        m.submodules.drawn, looked = (finished := Queue(drawn_layout(config), count)), Signal(name="looked")
        write, read = block_memory(m, platform, "states", state_layout(config), count)
        last = Signal(name="last")
        m.d.comb += [
            finished.i.valid.eq(self.drawn.valid),
            finished.i.payload.eq(self.drawn.payload),
            finished.o.ready.eq(self.taken),
            read.addr.eq(finished.o.p.stream),
            last.eq((finished.o.p.token == model.bos) | (read.data.position + 1 == read.data.limit)),
            self.result.valid.eq(looked),
            self.result.p.stream.eq(finished.o.p.stream),
            self.result.p.seed.eq(read.data.seed),
            self.result.p.position.eq(read.data.position),
            self.result.p.token.eq(finished.o.p.token),
            self.result.p.last.eq(last),
            self.taken.eq(looked & self.result.ready),
        ]
        m.d.sync += looked.eq(finished.o.valid & ~self.taken)

        # Free streams, and the one that begins a name: that of a name that ends, or else the first free one.
        free = Signal(count, init=(1 << count) - 1, name="free")
        any_free, found = first_index(m, free) if count > 1 else (free, free & 0)
        ended, begin, place = Signal(name="ended"), Signal(name="begin"), Signal(index_shape(count), name="place")
        m.d.comb += [
            ended.eq(self.taken & last),
            place.eq(Mux(self.taken, finished.o.p.stream, found)),
            begin.eq((left != 0) & (ended | (~self.taken & any_free))),
            self.busy.eq((left != 0) | ~free.all()),
        ]
        for number in range(count):
            with m.If(begin & (place == number)):
                m.d.sync += free[number].eq(0)
            with m.Elif(ended & (place == number)):
                m.d.sync += free[number].eq(1)
        with m.If(self.accepted):
            m.d.sync += [
                seed.eq(self.batch.p.seed),
                left.eq(self.batch.p.count),
                temperature.eq(self.batch.p.temperature),
                letters.eq(self.batch.p.limit),
            ]
        with m.Elif(begin):
            m.d.sync += [seed.eq(seed + 1), left.eq(left - 1)]

        # The next step of a stream.
        before, after = read.data.random, Signal(32, name="after")
        m.d.comb += [
            after.eq(Mux(before.temperature == 0, before.rng, xorshift32(before.rng))),
            write.en.eq(begin | (self.taken & ~last)),
            write.addr.eq(place),
            write.data.random.rng.eq(Mux(begin, usable_state(seed), after)),
            write.data.random.temperature.eq(Mux(begin, temperature, before.temperature)),
            write.data.seed.eq(Mux(begin, seed, read.data.seed)),
            write.data.limit.eq(Mux(begin, letters, read.data.limit)),
            write.data.position.eq(Mux(begin, 0, read.data.position + 1)),
            self.first.valid.eq(begin),
            self.first.payload.eq(place),
            self.job.valid.eq(self.taken & ~last),
            self.job.p.stream.eq(place),
            self.job.p.token.eq(finished.o.p.token),
            self.job.p.position.eq(read.data.position + 1),
        ]

        # A copy of what is drawn with, for a second port to read.
        random_write, random_read = block_memory(m, platform, "randoms", random_layout(), count)
        m.d.comb += [
            random_write.en.eq(write.en),
            random_write.addr.eq(write.addr),
            random_write.data.eq(write.data.random),
            random_read.addr.eq(self.chosen),
            self.random.eq(random_read.data),
        ]
        return m
