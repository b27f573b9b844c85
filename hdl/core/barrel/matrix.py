"""What multiplies attention's output: Wo, lm_head·Wo and fc1·Wo as one matrix, some whole rows a cycle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from amaranth.hdl import C, Cat, Module, Mux, Shape, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.core.barrel.jobs import (
    Part,
    attended_layout,
    blocks_of,
    products_layout,
    sum_shape,
    vector_layout,
)  # fmt: skip
from hdl.core.barrel.memory import block_rom
from hdl.core.config import CoreConfig
from hdl.units.format import index_shape, requantise, saturate, shape_of
from hdl.units.lent_rom import LentRom, lent_address, lent_words, show
from hdl.units.multipliers import MultiplierPort, matrix_layout
from hdl.units.select import choose
from talos_ref.golden.integer_model import IntegerModel

__all__ = ["Matrix"]


class Matrix(wiring.Component):
    """``x + Wo·a``, ``L + lm_head_wo·a`` and ``relu(F1 + fc1_wo·a)`` of ``talos_ref.golden.folded_mlp``, ``tile_rows``
    whole rows a cycle.

    A job takes as many cycles as there are blocks of rows, and the next one follows without a gap; no backpressure. x,
    L and F1 come from a ROM by (token, position, block).

        0: address weights and addends    1: products    2: sums    3: rounded    4: offered

    Parameters
    ----------
    hidden_order
        The hidden units in the order in which they are made.

    Members
    -------
    i : In(stream): ``job``, ``attended``
    o : Out(stream of products_layout), always ready
    multipliers : Out(MultiplierPort), tile_rows × n_embd
    """

    LATENCY = 4
    lent_weights: LentRom | None = None
    lent_addends: LentRom | None = None

    def __init__(self, config: CoreConfig, golden: IntegerModel, hidden_order: Sequence[int]) -> None:
        self.config, self.golden, self.hidden_order = config, golden, hidden_order
        self.steps = [
            (part, block, block == count - 1) for part, count in blocks_of(config).items() for block in range(count)
        ]
        super().__init__(
            {
                "i": In(stream.Signature(attended_layout(config))),
                "o": Out(stream.Signature(products_layout(config), always_ready=True)),
                "multipliers": Out(self.port(config)),
            }
        )

    @staticmethod
    def port(config: CoreConfig) -> MultiplierPort:
        """Return the multipliers."""
        return MultiplierPort(config.tile_rows, config.model.n_embd, shape_of(config.word), shape_of(config.word))

    def lend(self) -> list[LentRom]:
        """As of ``Lender``."""
        self.lent_weights = LentRom("weights", lent_words(self._layout, self._weights()))
        self.lent_addends = LentRom("addends", lent_words(self._block_layout, self._addends))
        return [self.lent_weights, self.lent_addends]

    @property
    def _layout(self) -> Any:
        return matrix_layout(shape_of(self.config.word), self.config.tile_rows, self.config.model.n_embd)

    @property
    def _block_layout(self) -> data.ArrayLayout:
        return data.ArrayLayout(shape_of(self.config.arithmetic.logit), self.config.tile_rows)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        config, word, rows = self.config, self.config.arithmetic.word, self.config.tile_rows
        weights = block_rom(m, "weights", self._layout, self._weights())
        shape = self._block_layout
        addends = block_rom(m, "addends", shape, self._addends)
        show(m, self.lent_weights, weights.data)
        show(m, self.lent_addends, addends.data)

        # Cycle 0.
        step = Signal(index_shape(len(self.steps)), name="step")
        end = Signal(name="end")
        m.d.comb += [
            end.eq(step == len(self.steps) - 1),
            self.i.ready.eq(end),
            weights.addr.eq(lent_address(self.lent_weights, step)),
            addends.addr.eq(
                lent_address(self.lent_addends, Cat(step, self.i.p.job.position, self.i.p.job.token))
            ),
        ]
        attended = Signal(vector_layout(config), name="attended")
        with m.If(self.i.valid):
            m.d.sync += [step.eq(Mux(end, 0, step + 1)), attended.eq(self.i.p.attended)]
        valid: list[Any] = [self.i.valid]
        numbers: list[Any] = [step]
        streams: list[Any] = [self.i.p.job.stream]
        for stage in (1, 2, 3):
            valid.append(Signal(name=f"valid{stage}"))
            numbers.append(Signal.like(step, name=f"step{stage}"))
            streams.append(Signal(index_shape(config.streams), name=f"stream{stage}"))
            m.d.sync += [
                valid[stage].eq(valid[stage - 1]),
                numbers[stage].eq(numbers[stage - 1]),
                streams[stage].eq(streams[stage - 1]),
            ]

        # Cycle 1.
        m.d.comb += self.multipliers.valid.eq(valid[1])
        for r in range(rows):
            for c in range(config.model.n_embd):
                m.d.comb += [
                    self.multipliers.a[r][c].eq(weights.data[r][c]),
                    self.multipliers.b[r][c].eq(attended[c]),
                ]
        held, later = Signal(shape, name="held"), Signal(shape, name="later")
        m.d.sync += [held.eq(addends.data), later.eq(held)]

        # Cycle 2: but for the residual stream, which is added to what has been rounded.
        residual = Signal(name="residual")
        m.d.comb += residual.eq(self._of_step(numbers[2], lambda part, block, last: part is Part.RESIDUAL))
        totals = [Signal(sum_shape(config), name=f"total{r}") for r in range(rows)]
        for r in range(rows):
            start = Mux(residual, 0, held[r]) << word.fraction
            m.d.sync += totals[r].eq(self.multipliers.sums[r] + start)

        # Cycle 3.
        out = self.o.p
        m.d.sync += [
            self.o.valid.eq(valid[3]),
            out.stream.eq(streams[3]),
            out.part.eq(self._of_step(numbers[3], lambda part, block, last: part)),
            out.block.eq(self._of_step(numbers[3], lambda part, block, last: block)),
            out.last.eq(self._of_step(numbers[3], lambda part, block, last: last)),
        ]
        of_residual = Signal(name="of_residual")
        m.d.sync += of_residual.eq(residual)
        for r in range(rows):
            rounded = Signal(shape_of(word), name=f"rounded{r}")
            m.d.comb += rounded.eq(requantise(totals[r], 2 * word.fraction, word))
            added = saturate(rounded + later[r], word)
            m.d.sync += [
                out.words[r].eq(Mux(of_residual, added, Mux(rounded[-1], 0, rounded))),
                out.sums[r].eq(totals[r]),
            ]
        return m

    def _of_step(self, number: Value, field: Callable[[Part, int, bool], int]) -> Value:
        """Return a constant of the step with a number."""
        return choose([C(field(*step), 8) for step in self.steps], number)

    def _weights(self) -> list[list[list[int]]]:
        """Return the weights of every step."""
        tensors = self.golden.tensors
        matrices = {
            Part.RESIDUAL: tensors["layer0.wo"],
            Part.LOGITS: tensors["lm_head_wo"],
            Part.HIDDEN: [tensors["fc1_wo"][unit] for unit in self.hidden_order],
        }
        return [self._block(matrices[part], block, [0] * self.config.model.n_embd) for part, block, _ in self.steps]

    @cached_property
    def _addends(self) -> list[list[int]]:
        """Return the addends by (token, position, step), positions and steps padded to powers of two."""
        model, golden = self.config.model, self.golden
        idle = (1 << Shape.cast(index_shape(len(self.steps))).width) - len(self.steps)
        rows = []
        for token in range(model.vocab_size):
            for position in range(1 << (model.block_size - 1).bit_length()):
                x = golden.embed(token, min(position, model.block_size - 1))
                hidden, logits = golden.arithmetic.mlp.addends(golden.tensors, "layer0.", x)
                vectors = {
                    Part.RESIDUAL: x, Part.LOGITS: logits, Part.HIDDEN: [hidden[unit] for unit in self.hidden_order],
                }  # fmt: skip
                rows += [self._block(vectors[part], block, 0) for part, block, _ in self.steps]
                rows += [[0] * self.config.tile_rows] * idle
        return rows

    def _block(self, rows: Sequence[Any], block: int, nothing: Any) -> list[Any]:
        """Return the rows of a block, with ``nothing`` beyond the last."""
        size = self.config.tile_rows
        found = list(rows[block * size : (block + 1) * size])
        return found + [nothing] * (size - len(found))
