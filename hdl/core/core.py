"""A core: its units, and the wires between them and its ports."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, ResetInserter, Signal
from amaranth.lib import wiring

from hdl.core.estimate import banks_of
from hdl.core.interface import CoreSignature, Stage
from hdl.core.tile_path import connect_tile
from hdl.core.units import Units
from hdl.core.vector_path import connect_attention, connect_rmsnorm
from hdl.design import Design
from hdl.units.multipliers import bank_of, share
from hdl.units.rom_scrubber import RomScrubber

__all__ = ["Core"]


class Core(wiring.Component):
    """A microGPT with its weights in ROM: requests in, one result a step out; ports in ``CoreSignature``.

    Every instruction of the schedule takes a cycle, and waits for its source. A MULTIPLY done in cycle 0 reads the
    weight ROM and chooses its block of the source; 1: the tile multiplies; 2: it sums; 3: the totals of a last column
    block are requantised and written; from cycle ``units.write_latency`` on they can be read. Without ``tile_register``
    cycles 2 and 3 are one. The cycles of a step depend on its position and, in a deferred arithmetic, on the number
    of hidden units that are not 0.
    """

    def __init__(self, design: Design) -> None:
        self.design, self.hidden_order = design, design.hidden_order
        self.config, self.arithmetic, self.model = design.core, design.arithmetic, design.model
        self.units = Units(design)
        self.program = self.units.program
        self.scrubber = RomScrubber(self.units.lend()) if self.config.scrub else None
        super().__init__(CoreSignature(self.model, self.arithmetic.logit, scrub=self.config.scrub))

    def elaborate(self, platform: Any) -> Any:
        m = Module()
        for name, unit in self.units.named.items():
            m.submodules[name] = unit
        self._connect_control(m)
        self._connect_sampler(m)
        scale = connect_rmsnorm(m, self.units)
        connect_tile(m, self.units, scale)
        connect_attention(m, self.units)
        self._connect_multipliers(m)
        if self.scrubber is not None:
            self._connect_scrubber(m, self.scrubber)
        return ResetInserter(self.clear)(m)

    def _connect_control(self, m: Module) -> None:
        """Requests, results, the input of a step, and the counters."""
        units = self.units
        control, performance, sequencer, sampler = units.control, units.performance, units.sequencer, units.sampler
        wiring.connect(m, wiring.flipped(self.request), control.request)
        wiring.connect(m, wiring.flipped(self.result), control.result)
        m.d.comb += [
            sequencer.start.eq(control.start),
            sequencer.skip.eq(units.constant_logits(control.position)),
            units.embedding.enable.eq(control.start),
            units.embedding.token.eq(control.token),
            units.embedding.position.eq(control.position),
            control.idle.eq(~sequencer.running),
            self.error.eq(control.error),
            self.busy.eq(sequencer.running),
            self.stage.eq(Mux(sampler.o.valid & ~self.result.ready, Stage.STALL, sequencer.stage)),
            performance.clear.eq(control.accepted),
            performance.busy.eq(self.busy),
            performance.stage.eq(self.stage),
            performance.step.eq(control.taken),
            performance.letter.eq(control.taken & (sampler.o.p.token != self.model.bos)),
            self.counters.eq(performance.counters),
        ]

    def _connect_sampler(self, m: Module) -> None:
        """Logits, random state and temperature to the sampler, its draw back."""
        control, sampler, vectors = self.units.control, self.units.sampler, self.units.vectors
        wiring.connect(m, control.temperature, sampler.temperature)
        wiring.connect(m, sampler.o, control.draw)
        m.d.comb += [
            sampler.i.valid.eq(vectors.logits_valid),
            sampler.i.p.logits.eq(vectors.logits),
            sampler.i.p.rng.eq(control.rng),
            sampler.i.p.greedy.eq(control.greedy),
            vectors.logits_taken.eq(sampler.i.valid & sampler.i.ready),
            self.logits.eq(vectors.logits),
        ]
        if sampler.PREPARES:
            m.d.comb += [sampler.prepare.eq(control.start), sampler.state.eq(control.next_rng)]
            if self.config.dense_head:
                # They are complete when their last rows have been written.
                complete = Signal(name="complete")
                m.d.sync += complete.eq(vectors.logits_valid & ~vectors.logits_taken)
                m.d.comb += [
                    sampler.arriving.valid.eq(vectors.logits_valid & ~complete),
                    sampler.arriving.payload.eq(vectors.logits),
                ]
            else:
                m.d.comb += [
                    sampler.arriving.valid.eq(vectors.head.valid),
                    sampler.arriving.payload.eq(vectors.head.payload),
                ]

    def _connect_multipliers(self, m: Module) -> None:
        """Banks of multipliers; with ``share_multipliers``, units that never multiply in one cycle share one."""
        units = self.units
        head = list(units.sampler.turn_ports)
        if units.head is not None:
            head = [units.head.sparse_multipliers, units.head.scale_multipliers, *head]
        if units.scaled is not None:
            head.append(units.scaled.multipliers)
        banks = banks_of(
            self.config, [units.tile.multipliers], units.attention.multiplier_ports, head, units.sampler.apart_ports
        )
        for name, (users, apart) in banks.items():
            m.submodules[f"{name}_multipliers"] = bank = bank_of(users, apart)
            share(m, bank, users, apart)

    def _connect_scrubber(self, m: Module, scrubber: RomScrubber) -> None:
        """Every step has used what its ROMs gave when it ends; a request that is offered may read them at once."""
        m.submodules.scrubber = scrubber
        m.d.comb += [
            scrubber.idle.eq(~self.units.sequencer.running & ~self.request.valid),
            self.rom_passed.eq(scrubber.passed),
            self.rom_corrupt.eq(scrubber.corrupt),
        ]
