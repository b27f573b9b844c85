"""The second half of attention: weights, weighted sums of a stream's values, and the division."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.core.barrel.jobs import attended_layout, job_layout, place_of, scored_layout, stored_layout, vector_layout
from hdl.core.barrel.memory import block_memory
from hdl.core.config import CoreConfig
from hdl.units.format import index_shape, shape_of
from hdl.units.lent_rom import LentRom
from hdl.units.multipliers import MultiplierPort
from hdl.units.registry import attention_divide_of, softmax_of
from hdl.units.variants import operands_layout
from talos_ref.golden.integer_model import IntegerModel

__all__ = ["Sums"]


class Sums(wiring.Component):
    """``attended = Σ weight[p] · value[p] / Σ weight[p]`` of every head, over the positions of a stream.

    A job takes its position + 1 cycles, and a job after another one cycle more. It waits for nobody, and says in
    ``grant`` when its multipliers are free for others.

        0: address scores    1: weights; address values    2: products    3: sums    4: quotients, of the last position
        5: offered

    Members
    -------
    i : In(stream of scored_layout)
    stored_valid, stored_place, stored : In
        Scores, from `Scores`; at least two cycles before the job.
    value_valid, value_place, value : In
        Values, the same.
    grant : Out(1)
        The multipliers are free in the next cycle.
    o : Out(stream of attended_layout), always ready
    multipliers : Out(MultiplierPort), n_embd × 1
    quotient_multipliers : Out(MultiplierPort), n_embd × 1
    """

    def __init__(self, config: CoreConfig, golden: IntegerModel) -> None:
        self.config, self.golden = config, golden
        spec, model = config.arithmetic.attention, config.model
        self.softmax = softmax_of(spec)(spec)
        growth = (model.block_size - 1).bit_length()
        self.numerator = signed(spec.exp.width + spec.word.width + growth)
        self.denominator = unsigned(spec.exp.width + growth)
        operands = operands_layout(model.n_embd, model.n_head, self.numerator, self.denominator)
        self.divide = attention_divide_of(spec.divide)(spec.divide, operands, config.bits_per_cycle)
        self.rows = config.streams << (model.block_size - 1).bit_length()
        own, quotient = self.ports(config)
        super().__init__(
            {
                "i": In(stream.Signature(scored_layout(config))),
                "stored_valid": In(1),
                "stored_place": In(index_shape(self.rows)),
                "stored": In(stored_layout(config)),
                "value_valid": In(1),
                "value_place": In(index_shape(self.rows)),
                "value": In(vector_layout(config)),
                "grant": Out(1),
                "o": Out(stream.Signature(attended_layout(config), always_ready=True)),
                "multipliers": Out(own),
                "quotient_multipliers": Out(quotient),
            }
        )

    @staticmethod
    def ports(config: CoreConfig) -> list[MultiplierPort]:
        """Return the multipliers of sums and of quotients."""
        spec, lanes = config.arithmetic.attention, config.model.n_embd
        own = MultiplierPort(lanes, 1, shape_of(spec.word), signed(spec.exp.width + 1))
        quotient = attention_divide_of(spec.divide).port(spec.divide, lanes)
        if quotient is None:
            raise ValueError(f"arithmetic must divide by reciprocals in a barrel, not {config.arithmetic_name!r}")
        return [own, quotient]

    def lend(self) -> list[LentRom]:
        """As of ``Lender``."""
        return self.divide.lend()

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        config, model = self.config, self.config.model
        m.submodules.divide = divide = self.divide
        wiring.connect(m, divide.multipliers, wiring.flipped(self.quotient_multipliers))
        score_write, score_read = block_memory(m, platform, "scores", stored_layout(config), self.rows)
        value_write, value_read = block_memory(m, platform, "values", vector_layout(config), self.rows)
        m.d.comb += [
            score_write.en.eq(self.stored_valid),
            score_write.addr.eq(self.stored_place),
            score_write.data.eq(self.stored),
            value_write.en.eq(self.value_valid),
            value_write.addr.eq(self.value_place),
            value_write.data.eq(self.value),
        ]

        # Cycle 0. Two cycles after a last position nothing is addressed: the quotients are multiplied two later.
        scored = Signal(scored_layout(config), name="scored")
        row = Signal(range(model.block_size), name="row")
        active = Signal(name="active")
        issue = Signal(name="issue")
        last = Signal(name="last")
        valid: list[Any] = [issue]
        firsts: list[Any] = [row == 0]
        lasts: list[Any] = [issue & last]
        jobs: list[Any] = [None, scored.job]
        for stage in (1, 2, 3, 4, 5):
            valid.append(Signal(name=f"valid{stage}"))
            firsts.append(Signal(name=f"first{stage}"))
            lasts.append(Signal(name=f"last{stage}"))
            m.d.sync += [
                valid[stage].eq(valid[stage - 1]),
                firsts[stage].eq(firsts[stage - 1]),
                lasts[stage].eq(lasts[stage - 1]),
            ]
        for stage in (2, 3, 4, 5):
            jobs.append(Signal(job_layout(config), name=f"job{stage}"))
            m.d.sync += jobs[stage].eq(jobs[stage - 1])
        stream_now = Mux(active, scored.job.stream, self.i.p.job.stream)
        m.d.comb += [
            self.i.ready.eq(~active & ~lasts[2]),
            last.eq(active & (row == scored.job.position)),
            issue.eq(~lasts[2] & (active | self.i.valid)),
            score_read.addr.eq(place_of(config, stream_now, row)),
            self.grant.eq(~valid[1] & ~lasts[3]),
        ]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [scored.eq(self.i.payload), row.eq(1), active.eq(1)]
        with m.Elif(issue):
            m.d.sync += [row.eq(Mux(last, 0, row + 1)), active.eq(~last)]

        # Cycle 1. The value has the row of the score before.
        place = Signal(index_shape(self.rows), name="place")
        m.d.sync += place.eq(score_read.addr)
        m.d.comb += value_read.addr.eq(place)
        weight = unsigned(config.arithmetic.attention.exp.width)
        weights = Signal(data.ArrayLayout(weight, model.n_head), name="weights")
        for head in range(model.n_head):
            m.d.sync += weights[head].eq(self.softmax.weight(m, score_read.data[head], scored.tops[head]))

        # Cycles 2 and 3.
        m.d.comb += self.multipliers.valid.eq(valid[2])
        operands = divide.i.payload
        denominators = Signal(data.ArrayLayout(self.denominator, model.n_head), name="denominators")
        numerators = Signal(data.ArrayLayout(self.numerator, model.n_embd), name="numerators")
        for head in range(model.n_head):
            with m.If(valid[2]):
                m.d.sync += denominators[head].eq(Mux(firsts[2], 0, denominators[head]) + weights[head])
        for lane in range(model.n_embd):
            m.d.comb += [
                self.multipliers.a[lane][0].eq(value_read.data[lane]),
                self.multipliers.b[lane][0].eq(weights[lane // model.head_dim]),
            ]
            with m.If(valid[3]):
                m.d.sync += numerators[lane].eq(Mux(firsts[3], 0, numerators[lane]) + self.multipliers.results[lane][0])

        # Cycles 4 and 5.
        m.d.comb += [
            divide.i.valid.eq(lasts[4]),
            operands.numerators.eq(numerators),
            operands.denominators.eq(denominators),
            divide.o.ready.eq(1),
            self.o.valid.eq(divide.o.valid),
            self.o.p.job.eq(jobs[5]),
            self.o.p.attended.eq(divide.o.payload),
        ]
        return m
