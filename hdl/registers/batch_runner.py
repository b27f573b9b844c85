"""A host's batches as those of a core with several streams, and an end to those that do not end by themselves."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl.core.barrel.interface import BarrelSignature, batch_layout
from hdl.core.config import CoreConfig
from hdl.core.requests import at_most

__all__ = ["BatchRunner"]


class BatchRunner(wiring.Component):
    """One batch at work and one that waits; results are taken at once, and names counted.

    Particles may flip a bit by which a name never ends, or a batch has other names than were asked for. So all is
    abandoned, and the core cleared, if ``patience`` cycles pass without a result; if a result comes that belongs to no
    name that is owed; or if the core is idle while one is.

    Timing: a batch is offered to the core from the cycle after its start on, until it is accepted. The core is cleared
    in the cycle after the one that finds a fault. ``clear`` goes before all else in its cycle, and a start after it.

    Parameters
    ----------
    config : CoreConfig
        Of the core.
    patience : int
        A power of two above the cycles that pass without a result; see ``hdl.core.barrel.pace``.

    Members
    -------
    core : In(BarrelSignature), without tap
        To be connected to the core.
    batch : In(batch_layout)
        What the next batch is made of.
    start, clear : In(1)
    ready, working, done : Out(1)
        Exactly one is 1.
    waiting : Out(1)
        A batch has not been accepted.
    left : Out(33)
        Names of accepted batches that have not ended.
    begun : Out(1)
        What is started with this, or after it, finds the machine at rest.
    illegal_batch, busy, time_out, miscounted : Out(1)
        As the fields of ``error``, when they are found.
    last_token : Out(8)

    Raises ValueError if ``patience`` is no power of two.
    """

    def __init__(self, config: CoreConfig, patience: int) -> None:
        if patience < 1 or patience.bit_count() != 1:
            raise ValueError(f"patience must be a power of two, not {patience!r}")
        self.config, self.patience = config, patience
        flags = ("ready", "working", "done", "waiting", "begun", "illegal_batch", "busy", "time_out", "miscounted")
        super().__init__(
            {
                "core": In(BarrelSignature(config, tap=False)),
                "batch": In(batch_layout(config)),
                "start": In(1),
                "clear": In(1),
                **{name: Out(1) for name in flags},
                "left": Out(33),
                "last_token": Out(8),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        core, result = self.core, self.core.result
        # What the batch was made of, whatever the host writes after it.
        held, ran = Signal(batch_layout(self.config), name="held"), Signal(name="ran")
        legal, accepted, gave_up = Signal(name="legal"), Signal(name="accepted"), Signal(name="gave_up")
        m.d.comb += [
            self.working.eq(core.busy | self.waiting),
            self.ready.eq(~self.working & ~ran),
            self.done.eq(~self.working & ran),
            self.begun.eq(self.clear | (self.start & ~self.working)),
            self.busy.eq(self.start & self.waiting & ~self.clear),
            core.clear.eq(self.clear | gave_up),
            core.batch.valid.eq(self.waiting & ~core.clear),
            core.batch.payload.eq(held),
            result.ready.eq(1),
            # As the core has it.
            legal.eq(held.count.any() & held.limit.any() & at_most(held.limit, self.config.model.max_letters)),
            accepted.eq(core.batch.valid & core.batch.ready),
            self.illegal_batch.eq(accepted & ~legal),
        ]
        with m.If(accepted | core.clear):
            m.d.sync += self.waiting.eq(0)
        with m.If(self.clear):
            m.d.sync += ran.eq(0)
        with m.If(self.start & (self.clear | ~self.waiting)):
            m.d.sync += [self.waiting.eq(1), held.eq(self.batch), ran.eq(1)]
        with m.If(result.valid):
            m.d.sync += self.last_token.eq(result.p.token)
        self._count(m, accepted & legal, held.count)
        self._watch(m, gave_up)
        return m

    def _count(self, m: Module, accepted: Value, count: Value) -> None:
        """Names that are owed. The core is busy in every cycle in which there are some, and has results in no other."""
        core, result, ended, wrong = self.core, self.core.result, Signal(name="ended"), Signal(name="wrong")
        m.d.comb += [
            ended.eq(result.valid & result.p.last),
            wrong.eq(((self.left == 0) & result.valid) | ((self.left != 0) & ~core.busy)),
            self.miscounted.eq(wrong & ~core.clear),
        ]
        m.d.sync += self.left.eq(self.left + (accepted.replicate(len(count)) & count) - ended)
        with m.If(core.clear):
            m.d.sync += self.left.eq(0)

    def _watch(self, m: Module, gave_up: Signal) -> None:
        """The end of batches in which no step ends, and of those with wrong names."""
        waited = Signal(range(self.patience + 1), name="waited")
        m.d.sync += [waited.eq(waited + 1), gave_up.eq(self.time_out | self.miscounted)]
        m.d.comb += self.time_out.eq(self.working & waited[-1] & ~self.core.clear)
        with m.If(~self.working | self.core.result.valid | self.core.clear):
            m.d.sync += waited.eq(0)
