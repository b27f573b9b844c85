"""A core: the units of the datapath, and the wires between them."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const, Module, Mux, ResetInserter, Signal
from amaranth.lib import wiring

from hdl.core.estimate import banks_of, largest_matrix, tile_split
from hdl.core.interface import CoreSignature, Stage
from hdl.core.performance import PerformanceCounters
from hdl.core.requests import RequestControl
from hdl.core.schedule import Operation, Vector, scales_totals, schedule, tile_instructions
from hdl.core.sequencer import Sequencer
from hdl.core.vectors import Vectors, tag_layout
from hdl.design import Design
from hdl.units.attention import Attention
from hdl.units.embedding import Embedding
from hdl.units.folded_head import FoldedHead
from hdl.units.folded_rom import FoldedRom
from hdl.units.format import requantise, shape_of
from hdl.units.lent_rom import Lender, LentRom
from hdl.units.multipliers import bank_of, share
from hdl.units.rmsnorm import RmsNorm
from hdl.units.rom_scrubber import RomScrubber
from hdl.units.samplers import sampler_of
from hdl.units.scaled_linear import ScaledLinear
from hdl.units.select import choose
from hdl.units.tile import Tile
from hdl.units.weight_rom import WeightRom, rom_words
from talos_ref.golden.integer_model import IntegerModel

__all__ = ["Core"]


class Core(wiring.Component):
    """A microGPT with its weights in ROM: requests in, one result a step out; ports in ``CoreSignature``.

    Every instruction of the schedule takes a cycle, and waits for its source. A MULTIPLY done in cycle 0 reads the
    weight ROM and chooses its block of the source; 1: the tile multiplies; 2: it sums; 3: the totals of a last column
    block are requantised and written; from cycle ``write_latency`` on they can be read. Without ``tile_register``
    cycles 2 and 3 are one. The cycles of a step depend on its position and, in a deferred arithmetic, on the number
    of hidden units that are not 0.
    """

    def __init__(self, design: Design) -> None:
        self.design = design
        self.config, self.arithmetic, self.model = design.core, design.arithmetic, design.model
        config, self.hidden_order = design.core, design.hidden_order
        self.program = schedule(config)
        golden = IntegerModel(design.checkpoint, self.arithmetic)
        tensors, word = dict(golden.tensors), self.arithmetic.word
        if self.arithmetic.deferred:
            last = "fc1_wo" if self.arithmetic.folds_projection else f"layer{self.model.n_layer - 1}.fc1"
            tensors[last] = [tensors[last][unit] for unit in self.hidden_order]
            tensors["folded"] = [[row[unit] for unit in self.hidden_order] for row in tensors["folded"]]

        self.control = RequestControl(self.model, self.arithmetic)
        self.sequencer = Sequencer(self.program)
        self.embedding = FoldedRom(golden, self.hidden_order) if config.first_layer_in_rom else Embedding(golden)
        self.rmsnorm = RmsNorm(
            self.arithmetic.rmsnorm,
            normalise=any(step.operation is Operation.NORMALISE for step in self.program),
            bits_per_cycle=config.bits_per_cycle,
        )
        self.weights = WeightRom(config, rom_words(config, tile_instructions(self.program), tensors))
        self.tile = Tile(
            rows=config.tile_rows,
            columns=config.tile_columns,
            word=word,
            outputs=largest_matrix(config)[0],
            terms=largest_matrix(config)[1],
            split=tile_split(config),
            addends=self.arithmetic.folds_projection,
            registered=config.tile_register,
        )
        self.write_latency = WeightRom.LATENCY + self.tile.LATENCY + 1
        self.vectors = Vectors(config)
        self.attention = Attention(
            self.arithmetic.attention,
            self.model,
            positions=config.attention_positions,
            bits_per_cycle=config.bits_per_cycle,
            registered=config.attention_registers,
        )
        self.sampler = sampler_of(self.arithmetic.sampler)(
            self.arithmetic.sampler,
            vocab_size=self.model.vocab_size,
            lanes=config.sampler_lanes,
            word=self.arithmetic.logit,
            bits_per_cycle=config.bits_per_cycle,
            shared=True,
        )
        self.performance = PerformanceCounters()
        self.units = {
            name: getattr(self, name)
            for name in (
                "control", "sequencer", "embedding", "rmsnorm", "weights", "tile", "vectors", "attention", "sampler",
                "performance",
            )
        }  # fmt: skip
        if self.arithmetic.scaled_linear is not None:
            spec, total = self.arithmetic.scaled_linear, self.tile.total_shape
            if config.sparse_head:
                self.units["head"] = self.head = FoldedHead(
                    tensors["folded"], spec, word=word, tile_rows=config.tile_rows, total_shape=total
                )
            if scales_totals(self.program):
                self.units["scaled"] = self.scaled = ScaledLinear(
                    spec, lanes=config.tile_rows, total_shape=total, addend_shape=total
                )
        self.scrubber = RomScrubber(self._lend()) if config.scrub else None
        super().__init__(CoreSignature(self.model, self.arithmetic.logit, scrub=config.scrub))

    def _lend(self) -> list[LentRom]:
        """Let the scrubber have the ports of all ROMs."""
        units: list[Lender] = [self.sequencer, self.embedding, self.weights, self.attention.divide, self.sampler]
        if self.arithmetic.deferred and self.config.sparse_head:
            units.append(self.head.sparse)
        return [rom for unit in units for rom in unit.lend()]

    def elaborate(self, platform: Any) -> Any:
        m = Module()
        for name, unit in self.units.items():
            m.submodules[name] = unit
        self._connect_control(m)
        self._connect_sampler(m)
        self._connect_rmsnorm(m)
        self._connect_tile(m)
        self._connect_attention(m)
        self._connect_multipliers(m)
        if self.scrubber is not None:
            self._connect_scrubber(m, self.scrubber)
        return ResetInserter(self.clear)(m)

    def _connect_scrubber(self, m: Module, scrubber: RomScrubber) -> None:
        """Every step has used what its ROMs gave when it ends; a request that is offered may read them at once."""
        m.submodules.scrubber = scrubber
        m.d.comb += [
            scrubber.idle.eq(~self.sequencer.running & ~self.request.valid),
            self.rom_passed.eq(scrubber.passed),
            self.rom_corrupt.eq(scrubber.corrupt),
        ]

    def _connect_control(self, m: Module) -> None:
        """Requests, results, the input of a step, and the counters."""
        control, performance, sequencer, sampler = self.control, self.performance, self.sequencer, self.sampler
        wiring.connect(m, wiring.flipped(self.request), control.request)
        wiring.connect(m, wiring.flipped(self.result), control.result)
        m.d.comb += [
            sequencer.start.eq(control.start),
            sequencer.skip.eq(self._constant(control.position)),
            self.embedding.enable.eq(control.start),
            self.embedding.token.eq(control.token),
            self.embedding.position.eq(control.position),
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
        control, sampler, vectors = self.control, self.sampler, self.vectors
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

    def _constant(self, position: Any) -> Any:
        """Return whether the logits at a position are constants of the token, which come from ROM."""
        return position == 0 if self.config.constant_position_0 else Const(0, 1)

    def _connect_rmsnorm(self, m: Module) -> None:
        """RMSNorm's sources, and where its result goes: to the residual stream, the tile, or the deferred scale."""
        instruction, rmsnorm, vectors = self.sequencer.instruction, self.rmsnorm, self.vectors
        normalise = Signal(name="normalise")
        measure = Signal(name="measure")
        to_residual = Signal(name="to_residual")
        to_scale = Signal(name="to_scale")
        m.d.comb += normalise.eq(self.sequencer.running & (instruction.operation == Operation.NORMALISE))
        m.d.sync += measure.eq(vectors.measure)
        with m.If(rmsnorm.i.valid & rmsnorm.i.ready):
            m.d.sync += [
                to_residual.eq(normalise & (instruction.destination == Vector.RESIDUAL)),
                to_scale.eq(measure),
            ]
        m.d.comb += [
            rmsnorm.i.valid.eq((normalise & vectors.settled) | measure),
            rmsnorm.i.p.x.eq(vectors.residual),
            vectors.normed.valid.eq(rmsnorm.o.valid & ~to_residual & ~to_scale),
            vectors.normalised.valid.eq(rmsnorm.o.valid & to_residual),
            rmsnorm.o.ready.eq(to_residual | to_scale | vectors.normed.ready),
        ]
        if rmsnorm.normalise:
            m.d.comb += [vectors.normed.payload.eq(rmsnorm.o.p.y), vectors.normalised.payload.eq(rmsnorm.o.p.y)]
        if self.embedding.projects:
            started = Signal(name="started")
            m.d.sync += started.eq(self.control.start)
            m.d.comb += [vectors.normalised.valid.eq(started), vectors.normalised.payload.eq(self.embedding.x)]
        else:
            with m.If(normalise & (instruction.source == Vector.EMBEDDING)):
                m.d.comb += rmsnorm.i.p.x.eq(self.embedding.x)

        self.scale = Signal(shape_of(self.arithmetic.rmsnorm.scale_format), name="scale")
        self.scale_valid = Signal(name="scale_valid")
        with m.If(rmsnorm.o.valid & to_scale):
            m.d.sync += [self.scale.eq(rmsnorm.o.p.scale), self.scale_valid.eq(1)]
        with m.If(vectors.measure | self.control.start):
            m.d.sync += self.scale_valid.eq(0)

    def _connect_tile(self, m: Module) -> None:
        """From an instruction to the tile, and from its totals back to the vectors."""
        sequencer, instruction, vectors, tile = self.sequencer, self.sequencer.instruction, self.vectors, self.tile
        multiply = Signal(name="multiply")
        tag = tag_layout(self.config)
        # A scale other than the query's constant has to be there; it is, long before fc1 has ended.
        wants_scale = instruction.destination == Vector.RESIDUAL
        if self.config.dense_head:
            wants_scale |= instruction.destination == Vector.LOGITS
        scale_missing = instruction.scaled & wants_scale & ~self.scale_valid
        with m.Switch(instruction.operation):
            with m.Case(Operation.NORMALISE):
                m.d.comb += sequencer.ready.eq(vectors.settled & self.rmsnorm.i.ready)
            with m.Case(Operation.MULTIPLY):
                m.d.comb += sequencer.ready.eq(vectors.ready & ~scale_missing)
            with m.Case(Operation.SAMPLE):
                m.d.comb += sequencer.ready.eq(self.control.taken)
        m.d.comb += [
            multiply.eq(sequencer.done & (instruction.operation == Operation.MULTIPLY)),
            vectors.source.eq(instruction.source),
            vectors.column.eq(instruction.column),
            vectors.release.eq(sequencer.done & instruction.release),
            vectors.reserve.valid.eq(sequencer.done),
            self.weights.address.eq(sequencer.weight_address),
            self.weights.enable.eq(multiply),
        ]
        for field in tag.members:
            m.d.comb += vectors.reserve.p[field].eq(instruction[field])

        # Cycle 1: weights and source block, both registered, are at the tile.
        m.d.sync += [
            tile.i.valid.eq(multiply),
            tile.i.p.x.eq(vectors.x),
            tile.i.p.first.eq(instruction.first),
            tile.i.p.last.eq(instruction.last),
        ]
        if tile.addends:
            self._connect_addends(m)
        m.d.comb += tile.i.p.weights.eq(self.weights.weights)

        # Cycle 3: the tag has travelled along.
        travelled = vectors.reserve.payload
        for cycle in range(1, self.write_latency):
            delayed = Signal(tag, name=f"tag{cycle}")
            m.d.sync += delayed.eq(travelled)
            travelled = delayed
        word, deferred = self.arithmetic.word, self.arithmetic.deferred
        addends = (travelled.destination == Vector.LOGITS) if deferred else Const(0, 1)
        late = Const(0, 1) if tile.registered else (travelled.destination == Vector.RESIDUAL) & ~travelled.scaled
        m.d.comb += [
            vectors.words.valid.eq(tile.o.valid & ~travelled.scaled & ~addends & ~late),
            vectors.words.p.tag.eq(travelled),
        ]
        for r in range(self.config.tile_rows):
            m.d.comb += vectors.words.p.words[r].eq(requantise(tile.o.p[r], 2 * word.fraction, word))
        if deferred:
            if scales_totals(self.program):
                self._connect_scaled(m, travelled)
            if self.config.dense_head:
                self._connect_dense_head(m, tile.o.valid & addends & ~travelled.scaled)
            else:
                self._connect_sparse_head(m, travelled, tile.o.valid & addends)
        if not tile.registered:
            self._connect_late_residual(m, travelled, tile.o.valid & late)
        if self.arithmetic.folds_projection:
            self._connect_constant_logits(m)

    def _connect_addends(self, m: Module) -> None:
        """From the ROM's row, the addends of an instruction's rows, along with its operands."""
        rows, instruction = self.config.tile_rows, self.sequencer.instruction
        for r in range(rows):
            chosen: Any = Const(0, shape_of(self.arithmetic.word))
            places = ((Vector.HIDDEN, self.embedding.hidden), (Vector.LOGITS, self.embedding.logits))
            for destination, addends in places:
                words = [addends[row] for row in range(r, len(addends), rows)]
                if words:
                    asked = instruction.addends & (instruction.destination == destination)
                    chosen = Mux(asked, choose(words, instruction.row), chosen)
            m.d.sync += self.tile.i.p.addends[r].eq(chosen)

    def _connect_scaled(self, m: Module, travelled: Any) -> None:
        """Totals that a scale is applied to: of the query, of fc2, of a dense head's folded matrix."""
        scaled, tile, vectors = self.scaled, self.tile, self.vectors
        query_scale = self.arithmetic.attention.query_scale
        m.d.comb += [
            scaled.i.valid.eq(tile.o.valid & travelled.scaled),
            scaled.i.p.totals.eq(tile.o.payload),
            scaled.i.p.scale.eq(Mux(travelled.destination == Vector.QUERY, query_scale, self.scale)),
            vectors.scaled.valid.eq(scaled.o.valid),
            vectors.scaled.p.words.eq(scaled.o.payload),
        ]
        m.d.sync += vectors.scaled.p.tag.eq(travelled)

    def _connect_late_residual(self, m: Module, travelled: Any, valid: Any) -> None:
        """What is added to the residual stream where a cycle has summed and rounded already: a cycle later.

        It takes the way of scaled words, of which there are none in that cycle.
        """
        vectors, written = self.vectors, Signal(name="written")
        words = Signal(vectors.words.p.words.shape(), name="late_words")
        m.d.sync += [written.eq(valid), words.eq(vectors.words.p.words)]
        if not scales_totals(self.program):
            m.d.sync += vectors.scaled.p.tag.eq(travelled)
        with m.If(written):
            m.d.comb += vectors.scaled.valid.eq(1)
            m.d.comb += [vectors.scaled.p.words[r].eq(words[r]) for r in range(self.config.tile_rows)]

    def _connect_constant_logits(self, m: Module) -> None:
        """At position 0 the ROM's row has the logits, a cycle after the step's start."""
        constant = Signal(name="constant")
        m.d.sync += constant.eq(self.control.start & self._constant(self.control.position))
        with m.If(constant):
            m.d.comb += [self.vectors.head.valid.eq(1), self.vectors.head.payload.eq(self.embedding.logits)]

    def _connect_dense_head(self, m: Module, valid: Any) -> None:
        """The addends of a row block of logits, held from lm_head's totals to those of the folded matrix."""
        scaled, tile = self.scaled, self.tile
        held = Signal(tile.o.payload.shape(), name="held")
        with m.If(valid):
            m.d.sync += held.eq(tile.o.payload)
        for r in range(self.config.tile_rows):
            to_logits = self.vectors.scaled.p.tag.destination == Vector.LOGITS
            m.d.comb += scaled.addends[r].eq(Mux(to_logits, held[r], 0))

    def _connect_sparse_head(self, m: Module, travelled: Any, valid: Any) -> None:
        """The head that takes hidden units as they come, with lm_head's totals as its addends."""
        head, tile, vectors = self.head, self.tile, self.vectors
        m.d.comb += [
            head.clear.eq(self.control.start),
            head.hidden.eq(vectors.hidden),
            head.addends.valid.eq(valid),
            head.addends.p.row.eq(travelled.row),
            head.addends.p.last.eq(travelled.complete),
            head.addends.p.totals.eq(tile.o.payload),
            head.scale.eq(self.scale),
            head.scale_valid.eq(self.scale_valid),
        ]
        wiring.connect(m, vectors.announced, head.announced)
        m.d.comb += [vectors.head.valid.eq(head.o.valid), vectors.head.payload.eq(head.o.payload)]

    def _connect_attention(self, m: Module) -> None:
        """Query, key and value into attention, its result back."""
        attention, vectors, control = self.attention, self.vectors, self.control
        wiring.connect(m, attention.o, vectors.attended)
        m.d.comb += attention.layer.eq(self.sequencer.instruction.layer)
        if self.embedding.projects:
            # The ROM's row is there in the cycle after the step's start, as attention wants it.
            m.d.comb += [
                attention.position.eq(control.position),
                attention.start.eq(control.start),
                attention.skip.eq(self._constant(control.position)),
                attention.value.eq(control.start),
                attention.q.eq(self.embedding.q),
                attention.k.eq(self.embedding.k),
                attention.v.eq(self.embedding.v),
            ]
        else:
            m.d.comb += [
                attention.position.eq(control.position_held),
                attention.start.eq(vectors.query_valid),
                attention.value.eq(vectors.query_valid if self.config.query_last else vectors.value_valid),
                attention.q.eq(vectors.query),
                attention.k.eq(vectors.key),
                attention.v.eq(vectors.value),
            ]

    def _connect_multipliers(self, m: Module) -> None:
        """Banks of multipliers; with ``share_multipliers``, units that never multiply in one cycle share one."""
        head = self.sampler.turn_ports
        if self.arithmetic.deferred:
            sparse = [self.head.sparse_multipliers, self.head.scale_multipliers] if self.config.sparse_head else []
            scaled = [self.scaled.multipliers] if scales_totals(self.program) else []
            head = [*sparse, *head, *scaled]
        banks = banks_of(
            self.config, [self.tile.multipliers], self.attention.multiplier_ports, head, self.sampler.apart_ports
        )
        for name, (users, apart) in banks.items():
            m.submodules[f"{name}_multipliers"] = bank = bank_of(users, apart)
            share(m, bank, users, apart)
