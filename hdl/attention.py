"""Causal attention: all heads side by side, ``positions`` cached positions a cycle, scores first and values after."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.attention_divide import TruncatingAttentionDivide, operands_layout
from hdl.exp import step_exp
from hdl.format import saturate, shape_of
from hdl.kv_cache import CacheMemory
from hdl.multipliers import MultiplierBank
from hdl.tile import adder_tree
from talos_ref.attention import Attention as AttentionSpec
from talos_ref.attention import StepAttention
from talos_ref.config import ModelConfig

__all__ = ["Attention"]


class Attention(wiring.Component):
    """``o = attend(q, cache)`` of ``talos_ref.attention``, the cache included.

    One bank of ``n_embd · positions`` multipliers serves two passes, which do not overlap; a row of the cache holds
    ``positions`` positions:

        pass 1, a row a cycle     0: address keys    1: q·k products    2: sums, scores    3: store, running maximum
        pass 2, a row a cycle     0: address values, weights    1: products, Σ weight    2: Σ weight·value

    and then the division. Pass 1 begins in the cycle of ``q``, pass 2 when pass 1 has ended; its last row waits until ``v`` has
    been written. So ``o`` is valid ``latency(position)`` cycles after ``q`` if ``v`` came in time, and else
    ``LATENCY_AFTER_VALUE`` cycles after ``v``. Cycles depend on the position alone.

    Members
    -------
    position, layer : In
        Stable from ``k`` until ``o`` is taken.
    k, q, v : In(stream of vectors), always ready
        Once each a step, ``k`` at least one cycle before ``q``, ``v`` after it.
    o : Out(stream of vectors)
        Respects backpressure.
    """

    def __init__(
        self, spec: AttentionSpec, config: ModelConfig, *, positions: int = 1, bits_per_cycle: int = 3
    ) -> None:
        if not isinstance(spec, StepAttention):
            raise TypeError(f"spec must be a StepAttention, not {spec!r}")
        self.spec, self.config, self.positions = spec, config, positions
        self.n_head, self.head_dim = config.n_head, config.head_dim
        self.keys = CacheMemory(config, spec.word, positions)
        self.values = CacheMemory(config, spec.word, positions)
        self.rows = self.keys.rows
        width = max(spec.word.width, spec.exp.width + 1)
        self.bank = MultiplierBank(config.n_embd, positions, signed(width), shape_of(spec.word))
        growth = (config.block_size - 1).bit_length()
        self.divide = TruncatingAttentionDivide(
            spec.divide,
            operands_layout(
                config.n_embd,
                config.n_head,
                signed(spec.exp.width + spec.word.width + growth),
                unsigned(spec.exp.width + growth),
            ),
            bits_per_cycle,
        )
        # The last row is addressed one cycle after v; its products, its sums and the division follow.
        self.LATENCY_AFTER_VALUE = 1 + 3 + self.divide.LATENCY
        vector = stream.Signature(self.keys.vector_layout, always_ready=True)
        super().__init__(
            {
                "position": In(range(config.block_size)),
                "layer": In(range(config.n_layer)),
                "k": In(vector),
                "q": In(vector),
                "v": In(vector),
                "o": Out(stream.Signature(self.keys.vector_layout)),
            }
        )

    def latency(self, position: int) -> int:
        """Return the cycles from ``q`` to a valid ``o`` where ``v`` is not late."""
        rows = position // self.positions + 1
        return (rows + 3) + (rows + 2) + self.divide.LATENCY

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.keys, m.submodules.values = self.keys, self.values
        m.submodules.bank, m.submodules.divide = self.bank, self.divide
        last_row = Signal(range(self.rows))
        m.d.comb += last_row.eq(self.position // self.positions)
        for memory, written in ((self.keys, self.k), (self.values, self.v)):
            m.d.comb += [
                memory.layer.eq(self.layer),
                memory.write_valid.eq(written.valid),
                memory.write_position.eq(self.position),
                memory.write_vector.eq(written.payload),
            ]
        scored = self._scores(m, last_row)
        self._weighted_sums(m, last_row, scored)
        m.d.comb += [
            self.o.valid.eq(self.divide.o.valid),
            self.o.payload.eq(self.divide.o.payload),
            self.divide.o.ready.eq(self.o.ready),
        ]
        return m

    def _scores(self, m: Module, last_row: Signal) -> Signal:
        """Pass 1: fill ``self.scores`` and ``self.top``; return the strobe of the cycle after the last row's."""
        score_shape = shape_of(self.spec.word)
        self.scores = Array(
            Signal(data.ArrayLayout(data.ArrayLayout(score_shape, self.positions), self.n_head), name=f"scores{row}")
            for row in range(self.rows)
        )
        self.top = Signal(data.ArrayLayout(score_shape, self.n_head))
        self.q_held = Signal(self.keys.vector_layout)

        # Cycle 0: the row's keys are addressed, the first in the cycle that brings q.
        scoring, next_row = Signal(), Signal(range(self.rows))
        row = Signal(range(self.rows))
        issue = Signal()
        m.d.comb += [issue.eq(self.q.valid | scoring), row.eq(Mux(self.q.valid, 0, next_row)), self.keys.row.eq(row)]
        with m.If(self.q.valid):
            m.d.sync += self.q_held.eq(self.q.payload)
        with m.If(issue):
            m.d.sync += [next_row.eq(row + 1), scoring.eq(row != last_row)]

        # Cycle 1: the keys are there; the bank multiplies (its operands are chosen in _weighted_sums).
        # Cycle 2: the products are there.
        valid, rows = [issue], [row]
        for stage in (1, 2, 3):
            valid.append(Signal(name=f"score_valid{stage}"))
            rows.append(Signal(range(self.rows), name=f"score_row{stage}"))
            m.d.sync += [valid[stage].eq(valid[stage - 1]), rows[stage].eq(rows[stage - 1])]
        score = Signal(data.ArrayLayout(data.ArrayLayout(score_shape, self.positions), self.n_head))
        for head in range(self.n_head):
            lanes = range(head * self.head_dim, (head + 1) * self.head_dim)
            for column in range(self.positions):
                total = adder_tree([self.bank.products[lane][column] for lane in lanes])
                m.d.sync += score[head][column].eq(saturate(total >> self.spec.score_shift, self.spec.word))

        # Cycle 3: the scores are there. Positions beyond the current one take no part in the maximum.
        with m.If(valid[3]):
            m.d.sync += self.scores[rows[3]].eq(score)
            for head in range(self.n_head):
                best = Mux(rows[3] == 0, score[head][0], self.top[head])
                for column in range(self.positions):
                    masked = (rows[3] == last_row) & (column > self.position % self.positions)
                    best = Mux(~masked & (score[head][column] > best), score[head][column], best)
                m.d.sync += self.top[head].eq(best)
        done = Signal()
        m.d.sync += done.eq(valid[3] & (rows[3] == last_row))
        return done

    def _weighted_sums(self, m: Module, last_row: Signal, scored: Signal) -> None:
        """Pass 2: accumulate weights and weighted values, and hand them to the division."""
        weight_shape = unsigned(self.spec.exp.width)
        weights = Signal(data.ArrayLayout(data.ArrayLayout(weight_shape, self.positions), self.n_head))
        operands = self.divide.i.payload
        numerators = Signal(operands.shape()["numerators"].shape)
        denominators = Signal(operands.shape()["denominators"].shape)

        written, weighing, next_row = Signal(), Signal(), Signal(range(self.rows))
        with m.If(self.v.valid):
            m.d.sync += written.eq(1)

        # Cycle 0: weights of a row from its scores; its values are addressed.
        issue, row = Signal(), Signal(range(self.rows))
        m.d.comb += [
            row.eq(Mux(scored, 0, next_row)),
            issue.eq((scored | weighing) & ((row != last_row) | written)),
            self.values.row.eq(row),
        ]
        with m.If(scored):
            m.d.sync += [weighing.eq(1), next_row.eq(0)]
        with m.If(issue):
            m.d.sync += [next_row.eq(row + 1), weighing.eq(row != last_row)]
        with m.If(issue & (row == last_row)):
            m.d.sync += written.eq(0)
        scores = self.scores[row]
        for head in range(self.n_head):
            for column in range(self.positions):
                masked = (row == last_row) & (column > self.position % self.positions)
                weight = step_exp(m, self.spec.exp, scores[head][column] - self.top[head])
                m.d.sync += weights[head][column].eq(Mux(masked, 0, weight))

        # Cycle 1: the values are there; the bank multiplies, and the weights are summed.
        valid, first, last = [issue], [row == 0], [row == last_row]
        for stage in (1, 2, 3):
            for pipe, name in ((valid, "valid"), (first, "first"), (last, "last")):
                pipe.append(Signal(name=f"value_{name}{stage}"))
                m.d.sync += pipe[stage].eq(pipe[stage - 1])
        for lane in range(self.config.n_embd):
            for column in range(self.positions):
                weight = weights[lane // self.head_dim][column]
                m.d.comb += [
                    self.bank.a[lane][column].eq(Mux(valid[1], weight, self.q_held[lane])),
                    self.bank.b[lane][column].eq(
                        Mux(valid[1], self.values.vectors[column][lane], self.keys.vectors[column][lane])
                    ),
                ]
        with m.If(valid[1]):
            for head in range(self.n_head):
                total = adder_tree(list(weights[head]))
                m.d.sync += denominators[head].eq(Mux(first[1], 0, denominators[head]) + total)

        # Cycle 2: the products are there.
        with m.If(valid[2]):
            for lane in range(self.config.n_embd):
                total = adder_tree(list(self.bank.products[lane]))
                m.d.sync += numerators[lane].eq(Mux(first[2], 0, numerators[lane]) + total)

        # Cycle 3: the sums are complete; the divider is idle, since the step before has taken its result.
        m.d.comb += [
            self.divide.i.valid.eq(valid[3] & last[3]),
            operands.numerators.eq(numerators),
            operands.denominators.eq(denominators),
        ]
