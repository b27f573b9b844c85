"""Causal attention: all heads side by side, ``positions`` cached positions a cycle, scores first and values after."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, C, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.units.adders import adder_tree
from hdl.units.argmax import first_maximum
from hdl.units.format import index_shape, shape_of
from hdl.units.kv_cache import CacheLayout, CacheMemory, in_bank, row_of
from hdl.units.multipliers import MultiplierPort
from hdl.units.registry import attention_divide_of, softmax_of
from hdl.units.variants import operands_layout
from talos_ref.golden.attention import Attention as AttentionSpec
from talos_ref.model.config import ModelConfig

__all__ = ["Attention"]


class Attention(wiring.Component):
    """``o = attend(q, cache)`` of ``talos_ref.golden.attention``, the cache included.

    A multiplier for every lane and position serves two passes, which do not overlap; a row of the cache holds
    ``positions`` positions. Two neighbouring ones are summed by their block: in pass 1 two elements of a head, in pass
    2 two positions; ``CacheLayout`` says how:

        pass 1, a row a cycle     0: address keys    1: q·k products    2: sums, scores    3: store, running maximum
        pass 2, a row a cycle     0: address values, weights    1: products, Σ weight    2: Σ weight·value

    and then the division. Without ``registered``, cycles 2 and 3 of the first pass are one, and the sums of the second
    go to the division in the cycle that makes them. Pass 1 begins in the cycle of ``start``, pass 2 when pass 1 has
    ended; its last row waits for ``value``. The current position is taken from the ports, all others from the cache.
    So ``o`` is valid ``latency(position)`` cycles after ``start`` if ``value`` came in time, and else
    ``LATENCY_AFTER_VALUE`` cycles after it. Cycles depend on the position alone.

    Members
    -------
    position : In
        Read in the cycle of ``start``.
    layer : In
        Stable from ``start`` until ``o`` is taken.
    start : In(1)
        ``q`` and ``k`` are at their ports from the next cycle on, until ``o`` is taken.
    skip : In(1)
        With ``start`` and ``value`` in one cycle: key and value are cached, and nothing is attended to.
    value : In(1)
        So is ``v``; together with ``start`` or later.
    q, k, v : In(vectors)
    o : Out(stream of vectors)
        Respects backpressure.
    multipliers : Out(MultiplierPort), lanes × positions
    quotient_multipliers : Out(MultiplierPort), n_embd × 1
        Only where the division multiplies by reciprocals.
    """

    def __init__(
        self,
        spec: AttentionSpec,
        config: ModelConfig,
        *,
        positions: int = 1,
        bits_per_cycle: int = 3,
        registered: bool = True,
    ) -> None:
        self.softmax = softmax_of(spec)(spec)
        self.spec, self.config, self.positions, self.registered = spec, config, positions, registered
        self.n_head, self.head_dim = config.n_head, config.head_dim
        self.cache = CacheMemory(config, spec.word, positions)
        self.rows = self.cache.rows
        growth = (config.block_size - 1).bit_length()
        self.divide = attention_divide_of(spec.divide)(
            spec.divide,
            operands_layout(
                config.n_embd,
                config.n_head,
                signed(spec.exp.width + spec.word.width + growth),
                unsigned(spec.exp.width + growth),
            ),
            bits_per_cycle,
            registered=registered,
        )
        # The last row is begun in the cycle of v; its products, its sums and the division follow.
        self.LATENCY_AFTER_VALUE = 2 + registered + self.divide.LATENCY
        vector = self.cache.vector_layout
        own, *quotient = self.ports(spec, config, positions)
        self.division_multiplies = bool(quotient)
        super().__init__(
            ({"quotient_multipliers": Out(quotient[0])} if quotient else {})
            | {
                "position": In(range(config.block_size)),
                "layer": In(index_shape(config.n_layer)),
                "start": In(1),
                "skip": In(1),
                "value": In(1),
                "q": In(vector),
                "k": In(vector),
                "v": In(vector),
                "o": Out(stream.Signature(vector)),
                "multipliers": Out(own),
            }
        )

    @property
    def multiplier_ports(self) -> list[Any]:
        """Ports of both units that multiply, never in one cycle, so that a bank can be shared."""
        return [self.multipliers, *([self.quotient_multipliers] if self.division_multiplies else [])]

    @staticmethod
    def ports(spec: AttentionSpec, config: ModelConfig, positions: int) -> list[MultiplierPort]:
        """Return the signatures of ``multiplier_ports``."""
        widest = signed(max(spec.word.width, spec.exp.width + 1))
        lanes = CacheLayout(positions, config.n_head, config.head_dim).lanes
        own = MultiplierPort(lanes, positions, shape_of(spec.word), widest)
        division = attention_divide_of(spec.divide).port(spec.divide, config.n_embd)
        return [own] if division is None else [own, division]

    def latency(self, position: int) -> int:
        """Return the cycles from ``q`` to a valid ``o`` where ``v`` is not late."""
        rows = position // self.positions + 1
        return (rows + 2 + self.registered) + (rows + 1 + self.registered) + self.divide.LATENCY

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.cache, m.submodules.divide = cache, divide = self.cache, self.divide
        # The position may arrive late in the cycle of ``start``, so what all other cycles look at is a copy.
        self.held_position = Signal.like(self.position, name="held_position")
        with m.If(self.start):
            m.d.sync += self.held_position.eq(self.position)
        last_row = Signal(index_shape(self.rows), name="last_row")
        m.d.comb += last_row.eq(row_of(self.held_position, self.positions))
        # The key is written in the cycle after ``start``, the value two after ``value``: never both in one.
        key_there = Signal(name="key_there")
        value_there = Signal(name="value_there")
        value_next = Signal(name="value_next")
        m.d.sync += [key_there.eq(self.start), value_next.eq(self.value), value_there.eq(value_next)]
        m.d.comb += [
            cache.layer.eq(self.layer),
            cache.write_valid.eq(key_there | value_there),
            cache.write_is_value.eq(value_there),
            cache.write_position.eq(self.held_position),
            cache.key.eq(self.k),
            cache.value.eq(self.v),
        ]
        scored = self._scores(m, last_row)
        self._weighted_sums(m, last_row, scored)
        m.d.comb += [
            self.o.valid.eq(divide.o.valid),
            self.o.payload.eq(divide.o.payload),
            divide.o.ready.eq(self.o.ready),
        ]
        if self.division_multiplies:
            wiring.connect(m, self.divide.multipliers, wiring.flipped(self.quotient_multipliers))
        return m

    def _beyond(self, column: int) -> Any:
        """Return whether a column of the last row lies beyond the current position."""
        return C(0, 1) if column == 0 else self.held_position[: self.positions.bit_length() - 1] < column

    def _scores(self, m: Module, last_row: Signal) -> Signal:
        """Pass 1: fill ``self.scores`` and ``self.top``; return the strobe of the cycle after the last row's."""
        softmax = self.softmax
        row_layout = data.ArrayLayout(data.ArrayLayout(softmax.stored_shape, self.positions), self.n_head)
        self.scores = Array(Signal(row_layout, name=f"scores{row}") for row in range(self.rows))
        self.top = Signal(data.ArrayLayout(softmax.key_shape, self.n_head), name="top")

        # Cycle 0: the row's keys are addressed.
        scoring = Signal(name="scoring")
        next_row = Signal(index_shape(self.rows), name="next_row")
        row = Signal(index_shape(self.rows), name="row")
        issue = Signal(name="issue")
        m.d.comb += [issue.eq((self.start & ~self.skip) | scoring), row.eq(Mux(self.start, 0, next_row))]
        self.key_row = row
        with m.If(self.start):
            m.d.sync += [next_row.eq(1), scoring.eq((row_of(self.position, self.positions) != 0) & ~self.skip)]
        with m.Elif(scoring):
            m.d.sync += [next_row.eq(next_row + 1), scoring.eq(next_row != last_row)]

        # Cycle 1: the keys are there; the bank multiplies (its operands are chosen in _weighted_sums).
        # Cycle 2: the products are there.
        there = 2 + self.registered
        valid, rows = [issue], [row]
        for stage in range(1, there + 1):
            valid.append(Signal(name=f"score_valid{stage}"))
            rows.append(Signal(index_shape(self.rows), name=f"score_row{stage}"))
            m.d.sync += [valid[stage].eq(valid[stage - 1]), rows[stage].eq(rows[stage - 1])]
        scores_layout = data.ArrayLayout(data.ArrayLayout(softmax.score_shape, self.positions), self.n_head)
        score = Signal(scores_layout, name="score")
        for head in range(self.n_head):
            for column in range(self.positions):
                layout = self.cache.layout
                lanes = [layout.lane(head, d) for d in range(column % layout.parts, layout.head_lanes, layout.parts)]
                total = adder_tree(m, [self.multipliers.results[lane][column // 2] for lane in lanes])
                scored = score[head][column].eq(softmax.score(total))
                if self.registered:
                    m.d.sync += scored
                else:
                    m.d.comb += scored

        # Cycle 3, or still 2: the scores are there. Positions beyond the current one take no part in the maximum.
        stored = Signal(row_layout, name="stored")
        for head in range(self.n_head):
            lowest = Const(-(1 << (softmax.key_shape.width - 1)), softmax.key_shape)
            keys = [Mux(rows[there] == 0, lowest, self.top[head])]
            for column in range(self.positions):
                m.d.comb += stored[head][column].eq(softmax.store(m, score[head][column]))
                masked = (rows[there] == last_row) & self._beyond(column)
                keys.append(Mux(masked, lowest, softmax.key(score[head][column])))
            _, best = first_maximum(m, keys)
            with m.If(valid[there]):
                m.d.sync += self.top[head].eq(best)
        with m.If(valid[there]):
            m.d.sync += self.scores[rows[there]].eq(stored)
        self.scoring, self.current_key = valid[1], rows[1] == last_row
        done = Signal(name="done")
        m.d.sync += done.eq(valid[there] & (rows[there] == last_row))
        return done

    def _weighted_sums(self, m: Module, last_row: Signal, scored: Signal) -> None:
        """Pass 2: accumulate weights and weighted values, and hand them to the division."""
        weight_shape = unsigned(self.spec.exp.width)
        weights = Signal(data.ArrayLayout(data.ArrayLayout(weight_shape, self.positions), self.n_head), name="weights")
        operands = self.divide.i.payload
        numerators = Signal(operands.shape()["numerators"].shape, name="numerators")
        denominators = Signal(operands.shape()["denominators"].shape, name="denominators")

        written = Signal(name="written")
        weighing = Signal(name="weighing")
        there = written | self.value
        with m.If(self.value & ~self.skip):
            m.d.sync += written.eq(1)

        # Cycle 0: weights of a row from its scores; its values are addressed.
        issue = Signal(name="issue")
        row = Signal(index_shape(self.rows), name="weighed_row")
        m.d.comb += [
            issue.eq((scored | weighing) & ((row != last_row) | there)),
            self.cache.read_value.eq(issue),
            self.cache.row.eq(Mux(issue, row, self.key_row)),
        ]
        # The row is a register that is 0 in time, for it chooses among all scores.
        with m.If(self.start):
            m.d.sync += row.eq(0)
        with m.If(scored):
            m.d.sync += weighing.eq(1)
        with m.If(issue):
            m.d.sync += [row.eq(row + 1), weighing.eq(row != last_row)]
        with m.If(issue & (row == last_row)):
            m.d.sync += written.eq(0)
        scores = self.scores[row]
        for head in range(self.n_head):
            for column in range(self.positions):
                masked = (row == last_row) & self._beyond(column)
                weight = self.softmax.weight(m, scores[head][column], self.top[head])
                m.d.sync += weights[head][column].eq(Mux(masked, 0, weight))

        # Cycle 1: the values are there; the bank multiplies, and the weights are summed.
        valid, first, last = [issue], [row == 0], [row == last_row]
        for stage in (1, 2, 3):
            for pipe, name in ((valid, "valid"), (first, "first"), (last, "last")):
                pipe.append(Signal(name=f"value_{name}{stage}"))
                m.d.sync += pipe[stage].eq(pipe[stage - 1])
        m.d.comb += self.multipliers.valid.eq(self.scoring | valid[1])
        self._operands(m, valid[1], Mux(valid[1], last[1], self.current_key), weights)
        next_denominators = Signal.like(denominators, name="next_denominators")
        next_numerators = Signal.like(numerators, name="next_numerators")
        for head in range(self.n_head):
            total = adder_tree(m, list(weights[head]))
            m.d.comb += next_denominators[head].eq(Mux(first[1], 0, denominators[head]) + total)
        with m.If(valid[1]):
            m.d.sync += denominators.eq(next_denominators)

        # Cycle 2: the products are there.
        for element in range(self.config.n_embd):
            total = self.multipliers.sums[self.cache.layout.lane(*divmod(element, self.head_dim))]
            m.d.comb += next_numerators[element].eq(Mux(first[2], 0, numerators[element]) + total)
        with m.If(valid[2]):
            m.d.sync += numerators.eq(next_numerators)

        # Cycle 3, or still 2: the sums are complete; the divider is idle, since the step before has taken its result.
        # Their sums are complete a cycle before those of the numerators, and some divisions read them then.
        summed = 2 + self.registered
        early = self.divide.EARLY_DENOMINATORS and not self.registered
        m.d.comb += [
            self.divide.i.valid.eq(valid[summed] & last[summed]),
            operands.numerators.eq(numerators if self.registered else next_numerators),
            operands.denominators.eq(next_denominators if early else denominators),
        ]

    def _operands(self, m: Module, weighing: Value, in_last_row: Value, weights: Any) -> None:
        """Multiply keys with the query, or values with weights if ``weighing``.

        The current position's vector, which lies in the last row, is not in the memories yet.
        """
        layout, here = self.cache.layout, {}
        for bank in range(self.positions):
            value_here = in_bank(self.held_position, bank, self.positions)
            for part in range(layout.parts):
                key_here = in_bank(self.held_position, layout.key_position(bank, part), self.positions)
                here[bank, part] = Signal(name=f"here{bank}_{part}")
                m.d.comb += here[bank, part].eq(in_last_row & Mux(weighing, value_here, key_here))
            for lane in range(layout.lanes):
                key, value = layout.key_element(bank, lane), layout.value_element(lane)
                current = Mux(
                    weighing, C(0, 1) if value is None else self.v[value], C(0, 1) if key is None else self.k[key]
                )
                query = C(0, 1) if key is None else self.q[key]
                weight = weights[lane // layout.head_lanes][bank]
                word = self.cache.words[bank][lane]
                m.d.comb += [
                    self.multipliers.a[lane][bank].eq(Mux(here[bank, lane % layout.parts], current, word)),
                    self.multipliers.b[lane][bank].eq(Mux(weighing, weight, query)),
                ]
