"""A core: the units of the datapath, and the wires between them."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, ResetInserter, Signal
from amaranth.lib import wiring

from hdl.attention import Attention
from hdl.config import CoreConfig
from hdl.embedding import Embedding
from hdl.interface import CoreSignature, Stage
from hdl.multipliers import OPERAND, MultiplierBank, share
from hdl.performance import PerformanceCounters
from hdl.requests import RequestControl
from hdl.rmsnorm import RmsNorm
from hdl.sampler import Sampler
from hdl.schedule import Operation, Vector, schedule, tile_instructions
from hdl.sequencer import Sequencer
from hdl.tile import Tile
from hdl.vectors import Vectors, tag_layout
from hdl.weight_rom import WeightRom, rom_words
from talos_ref.checkpoint import Checkpoint
from talos_ref.integer_model import IntegerModel

__all__ = ["Core"]


class Core(wiring.Component):
    """A microGPT with its weights in ROM: requests in, one result a step out; ports in ``CoreSignature``.

    Every instruction of the schedule takes a cycle, and waits for its source. A MULTIPLY done in cycle 0 reads the weight ROM and
    chooses its block of the source; 1: the tile multiplies; 2: it sums; 3: the totals of a last column block are requantised and
    written; from cycle ``WRITE_LATENCY`` on they can be read. The cycles of a step depend on its position alone.

    Raises ValueError if the checkpoint is of another model than the configuration.
    """

    WRITE_LATENCY = WeightRom.LATENCY + Tile.LATENCY + 1

    def __init__(self, config: CoreConfig, checkpoint: Checkpoint) -> None:
        if checkpoint.config != config.model:
            raise ValueError(f"checkpoint must be of the model {config.model!r}, not {checkpoint.config!r}")
        self.config, self.arithmetic, self.model = config, config.arithmetic, config.model
        self.program = schedule(config)
        tensors = IntegerModel(checkpoint, self.arithmetic).tensors
        word = self.arithmetic.word

        self.control = RequestControl(self.model, self.arithmetic)
        self.sequencer = Sequencer(self.program)
        self.embedding = Embedding(tensors["wte"], tensors["wpe"], word)
        self.rmsnorm = RmsNorm(self.arithmetic.rmsnorm, bits_per_cycle=config.bits_per_cycle)
        self.weights = WeightRom(config, rom_words(config, tile_instructions(self.program), tensors))
        self.tile = Tile(
            rows=config.tile_rows,
            columns=config.tile_columns,
            word=word,
            terms=max(columns for _, columns in self.model.shapes().values()),
        )
        self.vectors = Vectors(config, self.tile.total_shape)
        self.attention = Attention(self.arithmetic.attention, self.model, bits_per_cycle=config.bits_per_cycle)
        self.sampler = Sampler(
            self.arithmetic.sampler,
            vocab_size=self.model.vocab_size,
            lanes=config.sampler_lanes,
            word=word,
            bits_per_cycle=config.bits_per_cycle,
        )
        self.performance = PerformanceCounters()
        super().__init__(CoreSignature(self.model, word))

    def elaborate(self, platform: Any) -> Any:
        m = Module()
        for name in (
            "control", "sequencer", "embedding", "rmsnorm", "weights", "tile", "vectors", "attention", "sampler",
            "performance",
        ):  # fmt: skip
            m.submodules[name] = getattr(self, name)
        self._connect_control(m)
        self._connect_sequencer(m)
        self._connect_rmsnorm(m)
        self._connect_tile(m)
        self._connect_attention(m)
        self._connect_multipliers(m)
        return ResetInserter(self.clear)(m)

    def _connect_control(self, m: Module) -> None:
        """Requests, results, the sampler and the counters."""
        control, sampler, performance = self.control, self.sampler, self.performance
        wiring.connect(m, wiring.flipped(self.request), control.request)
        wiring.connect(m, wiring.flipped(self.result), control.result)
        wiring.connect(m, control.temperature, sampler.temperature)
        wiring.connect(m, sampler.o, control.draw)
        m.d.comb += [
            control.idle.eq(~self.sequencer.running),
            self.error.eq(control.error),
            self.busy.eq(self.sequencer.running),
            self.stage.eq(Mux(self.result.valid & ~self.result.ready, Stage.STALL, self.sequencer.stage)),
            performance.clear.eq(control.accepted),
            performance.busy.eq(self.busy),
            performance.stage.eq(self.stage),
            performance.step.eq(control.taken),
            performance.letter.eq(control.taken & (self.result.p.token_out != self.model.bos)),
            self.counters.eq(performance.counters),
            sampler.i.valid.eq(self.vectors.logits_valid),
            sampler.i.p.logits.eq(self.vectors.logits),
            sampler.i.p.rng.eq(control.rng),
            sampler.i.p.greedy.eq(control.greedy),
            self.vectors.logits_taken.eq(sampler.i.valid & sampler.i.ready),
            self.logits.eq(self.vectors.logits),
        ]

    def _connect_sequencer(self, m: Module) -> None:
        """What starts a step, and what makes an instruction ready."""
        sequencer, instruction = self.sequencer, self.sequencer.instruction
        m.d.comb += [
            sequencer.start.eq(self.control.start),
            self.embedding.enable.eq(self.control.start),
            self.embedding.token.eq(self.control.token),
            self.embedding.position.eq(self.control.position),
        ]
        with m.Switch(instruction.operation):
            with m.Case(Operation.NORMALISE):
                m.d.comb += sequencer.ready.eq(self.vectors.ready & self.rmsnorm.i.ready)
            with m.Case(Operation.MULTIPLY):
                m.d.comb += sequencer.ready.eq(self.vectors.ready)
            with m.Case(Operation.SAMPLE):
                m.d.comb += sequencer.ready.eq(self.control.taken)

    def _connect_rmsnorm(self, m: Module) -> None:
        """RMSNorm's source, and where its result goes: into the residual stream, or to the tile."""
        instruction, rmsnorm, vectors = self.sequencer.instruction, self.rmsnorm, self.vectors
        normalise = self.sequencer.running & (instruction.operation == Operation.NORMALISE)
        to_residual = Signal()
        with m.If(rmsnorm.i.valid & rmsnorm.i.ready):
            m.d.sync += to_residual.eq(instruction.destination == Vector.RESIDUAL)
        m.d.comb += [
            rmsnorm.i.valid.eq(normalise & vectors.ready),
            rmsnorm.i.p.x.eq(Mux(instruction.source == Vector.EMBEDDING, self.embedding.x, vectors.residual)),
            vectors.normalised.valid.eq(rmsnorm.o.valid & to_residual),
            vectors.normalised.payload.eq(rmsnorm.o.p.y),
            vectors.normed.valid.eq(rmsnorm.o.valid & ~to_residual),
            vectors.normed.payload.eq(rmsnorm.o.p.y),
            rmsnorm.o.ready.eq(to_residual | vectors.normed.ready),
        ]

    def _connect_tile(self, m: Module) -> None:
        """From an instruction to the tile, and from its totals back to the vectors."""
        sequencer, instruction, vectors, tile = self.sequencer, self.sequencer.instruction, self.vectors, self.tile
        multiply = Signal()
        tag = tag_layout(self.config)
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
        m.d.comb += tile.i.p.weights.eq(self.weights.weights)

        # The tag travels along.
        travelling = vectors.reserve.payload
        for cycle in range(1, self.WRITE_LATENCY):
            delayed = Signal(tag, name=f"tag{cycle}")
            m.d.sync += delayed.eq(travelling)
            travelling = delayed
        m.d.comb += [
            vectors.totals.valid.eq(tile.o.valid),
            vectors.totals.p.tag.eq(travelling),
            vectors.totals.p.totals.eq(tile.o.payload),
        ]

    def _connect_attention(self, m: Module) -> None:
        """Keys, queries and values into attention, its result back."""
        attention, vectors = self.attention, self.vectors
        m.d.comb += [
            attention.position.eq(self.control.position_held),
            attention.layer.eq(self.sequencer.instruction.layer),
            vectors.attended.valid.eq(attention.o.valid),
            vectors.attended.payload.eq(attention.o.payload),
            attention.o.ready.eq(vectors.attended.ready),
        ]
        m.d.comb += [
            attention.start.eq(vectors.query_valid),
            attention.value.eq(vectors.value_valid),
            attention.k.eq(vectors.key),
            attention.q.eq(vectors.query),
            attention.v.eq(vectors.value),
        ]

    def _connect_multipliers(self, m: Module) -> None:
        """Banks: one for the tile, one for attention."""
        for name, users in (("tile", [self.tile.multipliers]), ("attention", self.attention.multiplier_ports)):
            largest = users[0].signature
            bank = MultiplierBank(largest.rows, largest.columns, OPERAND, OPERAND)
            m.submodules[f"{name}_multipliers"] = bank
            share(m, bank, users)
