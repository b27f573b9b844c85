"""The units that a core consists of, each made for its design."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const

from hdl.core.estimate import largest_matrix, tile_split
from hdl.core.performance import PerformanceCounters
from hdl.core.requests import RequestControl
from hdl.core.schedule import Operation, scales_totals, schedule, tile_instructions
from hdl.core.sequencer import Sequencer
from hdl.core.vectors import Vectors
from hdl.design import Design
from hdl.units.attention import Attention
from hdl.units.embedding import Embedding
from hdl.units.folded_head import FoldedHead
from hdl.units.folded_rom import FoldedRom
from hdl.units.lent_rom import Lender, LentRom
from hdl.units.rmsnorm import RmsNorm
from hdl.units.samplers import sampler_of
from hdl.units.scaled_linear import ScaledLinear
from hdl.units.tile import Tile
from hdl.units.weight_rom import WeightRom, rom_words
from talos_ref.golden.integer_model import IntegerModel

__all__ = ["Units"]


class Units:
    """The units of a design's core; which of them are there, and their shapes, depend on its configuration.

    ``named`` has all of them under the names of the core's submodules. ``head`` takes hidden units as they come, and
    ``scaled`` multiplies totals of the tile by a scale; either is None in a core that has no use for it.
    """

    def __init__(self, design: Design) -> None:
        self.config, self.arithmetic, self.model = design.core, design.arithmetic, design.model
        config, self.program = design.core, schedule(design.core)
        golden, order = IntegerModel(design.checkpoint, self.arithmetic), design.hidden_order
        tensors = _tensors(golden, order)

        self.control = RequestControl(self.model, self.arithmetic)
        self.sequencer = Sequencer(self.program)
        self.embedding = FoldedRom(golden, order) if config.first_layer_in_rom else Embedding(golden)
        self.rmsnorm = RmsNorm(
            self.arithmetic.rmsnorm,
            normalise=any(step.operation is Operation.NORMALISE for step in self.program),
            bits_per_cycle=config.bits_per_cycle,
        )
        self.weights = WeightRom(config, rom_words(config, tile_instructions(self.program), tensors))
        self.tile = Tile(
            rows=config.tile_rows,
            columns=config.tile_columns,
            word=self.arithmetic.word,
            outputs=largest_matrix(config)[0],
            terms=largest_matrix(config)[1],
            split=tile_split(config),
            addends=self.arithmetic.folds_projection,
            registered=config.tile_register,
        )
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
            registered=config.sampler_register,
        )
        self.performance = PerformanceCounters()
        self.head: FoldedHead | None = None
        self.scaled: ScaledLinear | None = None
        if self.arithmetic.scaled_linear is not None:
            spec, total = self.arithmetic.scaled_linear, self.tile.total_shape
            if config.sparse_head:
                self.head = FoldedHead(
                    tensors["folded"], spec, word=self.arithmetic.word, tile_rows=config.tile_rows, total_shape=total
                )
            if scales_totals(self.program):
                self.scaled = ScaledLinear(spec, lanes=config.tile_rows, total_shape=total, addend_shape=total)

    @property
    def named(self) -> dict[str, Any]:
        """Name -> unit."""
        names = (
            "control", "sequencer", "embedding", "rmsnorm", "weights", "tile", "vectors", "attention", "sampler",
            "performance", "head", "scaled",
        )  # fmt: skip
        return {name: unit for name in names if (unit := getattr(self, name)) is not None}

    @property
    def write_latency(self) -> int:
        """Cycles from an instruction to the first in which its words can be read; see `Core`."""
        return WeightRom.LATENCY + self.tile.LATENCY + 1

    def lend(self) -> list[LentRom]:
        """Let a scrubber have the ports of all ROMs."""
        units: list[Lender] = [self.sequencer, self.embedding, self.weights, self.attention.divide, self.sampler]
        if self.head is not None:
            units.append(self.head.sparse)
        return [rom for unit in units for rom in unit.lend()]

    def constant_logits(self, position: Any) -> Any:
        """Return whether the logits at a position are constants of the token, which come from ROM."""
        return position == 0 if self.config.constant_position_0 else Const(0, 1)


def _tensors(golden: IntegerModel, order: tuple[int, ...]) -> dict[str, Any]:
    """Return name -> tensor, with the hidden units of the last layer in the order in which the core computes them."""
    tensors, arithmetic = dict(golden.tensors), golden.arithmetic
    if arithmetic.deferred:
        last = "fc1_wo" if arithmetic.folds_projection else f"layer{golden.config.n_layer - 1}.fc1"
        tensors[last] = [tensors[last][unit] for unit in order]
        tensors["folded"] = [[row[unit] for unit in order] for row in tensors["folded"]]
    return tensors
