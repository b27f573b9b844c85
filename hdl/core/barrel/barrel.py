"""A core with several streams: its units, and the wires between them."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.lib import wiring

from hdl.core.barrel.digest import Digest
from hdl.core.barrel.draw import Draw
from hdl.core.barrel.estimate import bank_layouts
from hdl.core.barrel.head import Head
from hdl.core.barrel.interface import COUNTERS, BarrelSignature
from hdl.core.barrel.jobs import attended_layout, job_layout, scored_layout
from hdl.core.barrel.matrix import Matrix
from hdl.core.barrel.memory import Queue
from hdl.core.barrel.scores import Scores
from hdl.core.barrel.streams import Streams
from hdl.core.barrel.sums import Sums
from hdl.design import Design
from hdl.units.multipliers import MultiplierBank, share
from hdl.units.rom_scrubber import RomScrubber
from talos_ref.golden.integer_model import IntegerModel

__all__ = ["Barrel"]


class Barrel(wiring.Component):
    """Many names in flight: batches in, one result a step of every stream out; ports in ``BarrelSignature``.

    A step at a position above 0 takes as many cycles as ``Matrix`` has blocks of rows, as long as enough other streams
    fill its waits; one at position 0 takes none of these.

    Parameters
    ----------
    tap
        Whether logits and random states can be seen; a board has no use for them.
    """

    def __init__(self, design: Design, *, tap: bool = True) -> None:
        self.design, self.config, self.tap_there = design, design.core, tap
        config, golden = design.core, IntegerModel(design.checkpoint, design.arithmetic)
        # The busiest last: the last block of a step takes a cycle even if it is all 0.
        order = design.hidden_order[::-1]
        self.streams = Streams(config)
        self.scores, self.sums = Scores(config, golden), Sums(config, golden)
        self.matrix, self.head = Matrix(config, golden, order), Head(config, golden, order)
        self.draw = Draw(config, golden, tap=tap)
        self.digest = Digest(config)
        self.jobs = Queue(job_layout(config), config.streams)
        self.scored = Queue(scored_layout(config), config.streams)
        self.attended = Queue(attended_layout(config), config.streams)
        lenders = (self.scores, self.sums, self.matrix, self.head, self.draw)
        self.scrubber = RomScrubber([rom for unit in lenders for rom in unit.lend()]) if config.scrub else None
        super().__init__(BarrelSignature(config, tap=tap))

    def elaborate(self, platform: Any) -> Any:
        m = Module()
        streams, scores, sums, matrix, head, draw = (
            self.streams, self.scores, self.sums, self.matrix, self.head, self.draw
        )  # fmt: skip
        for name in ("streams", "scores", "sums", "matrix", "head", "draw", "digest", "jobs", "scored", "attended"):
            m.submodules[name] = getattr(self, name)
        wiring.connect(m, wiring.flipped(self.batch), streams.batch)
        wiring.connect(m, streams.result, wiring.flipped(self.result))
        for producer, queue, consumer in (
            (streams.job, self.jobs, scores.i),
            (scores.o, self.scored, sums.i),
            (sums.o, self.attended, matrix.i),
        ):
            wiring.connect(m, producer, queue.i)
            wiring.connect(m, queue.o, consumer)
        wiring.connect(m, matrix.o, head.i)
        wiring.connect(m, head.o, draw.i)
        wiring.connect(m, streams.first, draw.first)
        # The stream's next job comes behind the token that is chosen with this, `Draw.LATENCY` cycles later.
        wiring.connect(m, draw.begun, scores.first)
        wiring.connect(m, draw.o, streams.drawn)
        m.d.comb += [
            streams.chosen.eq(draw.chosen),
            draw.random.eq(streams.random),
            scores.grant.eq(sums.grant),
            sums.stored_valid.eq(scores.stored_valid),
            sums.stored_place.eq(scores.stored_place),
            sums.stored.eq(scores.stored),
            sums.value_valid.eq(scores.value_valid),
            sums.value_place.eq(scores.value_place),
            sums.value.eq(scores.value),
        ]
        users = {
            "attention": [scores.multipliers, sums.multipliers, sums.quotient_multipliers],
            "matrix": [matrix.multipliers],
            "head": [head.multipliers, head.scale_multipliers, head.square_multipliers],
        }
        for name, layout in bank_layouts(self.config).items():
            m.submodules[f"{name}_bank"] = bank = MultiplierBank(layout)
            share(m, bank, users[name])
        self._count(m)
        if self.tap_there:
            m.d.comb += [self.tap_valid.eq(draw.tap_valid), self.tap.eq(draw.tap)]
        if self.scrubber is not None:
            m.submodules.scrubber = scrubber = self.scrubber
            # A batch that comes reads no ROM in the cycle of its acceptance.
            m.d.comb += [
                scrubber.idle.eq(~streams.busy),
                self.rom_passed.eq(scrubber.passed),
                self.rom_corrupt.eq(scrubber.corrupt),
            ]
        return ResetInserter(self.clear)(m)

    def _count(self, m: Module) -> None:
        """Counters and digest, from a batch on that comes while all streams are idle."""
        streams, digest, result = self.streams, self.digest, self.result
        begin = Signal(name="begin")
        m.d.comb += [
            begin.eq(streams.accepted & ~streams.busy),
            digest.clear.eq(begin),
            digest.valid.eq(streams.taken),
            digest.seed.eq(result.p.seed),
            digest.position.eq(result.p.position),
            digest.token.eq(result.p.token),
            self.busy.eq(streams.busy | digest.busy),
            self.error.eq(streams.error),
            self.counters.digest.eq(digest.digest),
        ]
        counted = {
            "cycles": streams.busy,
            "steps": streams.taken,
            "letters": streams.taken & (result.p.token != self.config.model.bos),
        }
        for name, event in counted.items():
            counter = Signal(COUNTERS[name].shape, name=name)
            m.d.sync += counter.eq(counter + event)
            with m.If(begin):
                m.d.sync += counter.eq(0)
            m.d.comb += self.counters[name].eq(counter)
