"""The first half of attention: a query's products with the keys of its stream, a position a cycle."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.core.barrel.jobs import first_rows, job_layout, place_of, scored_layout, stored_layout, vector_layout
from hdl.core.barrel.memory import block_memory, block_rom
from hdl.core.config import CoreConfig
from hdl.units.adders import adder_tree
from hdl.units.argmax import first_maximum
from hdl.units.format import index_shape, shape_of
from hdl.units.lent_rom import LentRom, lent_address, lent_enable, lent_words, show
from hdl.units.multipliers import MultiplierPort
from hdl.units.registry import softmax_of
from talos_ref.golden.integer_model import IntegerModel

__all__ = ["Scores"]


class Scores(wiring.Component):
    """``score[head][p] = q[head] · key[p][head]`` for all positions ``p`` of a stream, and the largest of each head.

    A job takes its position + 1 cycles, one more at position 1, and one for every cycle without ``grant``; the next one
    follows without a gap. Query, key and value of the job come from a ROM by (token, position); the key joins the
    stream's, the value goes out. Position 0, which is BOS in every name, is in the memory from the start, and no job.

        0: address a key; with the first, the ROM    1: products    2: sums, scores    3: stored; largest    4: offered

    Members
    -------
    i : In(stream of jobs), positions 1 and on
    grant : In(1)
        The multipliers are free in the next cycle.
    value_valid, value_place, value : Out
        The value of a job, for one cycle.
    stored_valid, stored_place, stored : Out
        A position's scores of all heads, for one cycle.
    o : Out(stream of scored_layout), always ready
    multipliers : Out(MultiplierPort), n_embd × 1
    """

    lent: LentRom | None = None

    def __init__(self, config: CoreConfig, golden: IntegerModel) -> None:
        self.config, self.golden = config, golden
        spec, model = config.arithmetic.attention, config.model
        self.softmax = softmax_of(spec)(spec)
        self.rows = config.streams << (model.block_size - 1).bit_length()
        vector = vector_layout(config)
        super().__init__(
            {
                "i": In(stream.Signature(job_layout(config))),
                "grant": In(1),
                "value_valid": Out(1),
                "value_place": Out(index_shape(self.rows)),
                "value": Out(vector),
                "stored_valid": Out(1),
                "stored_place": Out(index_shape(self.rows)),
                "stored": Out(stored_layout(config)),
                "o": Out(stream.Signature(scored_layout(config), always_ready=True)),
                "multipliers": Out(self.port(config)),
            }
        )

    @staticmethod
    def port(config: CoreConfig) -> MultiplierPort:
        """Return the multipliers."""
        return MultiplierPort(config.model.n_embd, 1, shape_of(config.word), shape_of(config.word))

    def lend(self) -> list[LentRom]:
        """As of ``Lender``."""
        self.lent = LentRom("projections", lent_words(self._projected, self._rom_rows))
        return [self.lent]

    @property
    def _projected(self) -> data.StructLayout:
        return data.StructLayout(dict.fromkeys(("q", "k", "v"), vector_layout(self.config)))

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        config, model = self.config, self.config.model
        vector = vector_layout(config)
        rom = block_rom(m, "rom", self._projected, self._rom_rows)
        show(m, self.lent, rom.data)
        first_key = self.golden.query_key_value(self.golden.embed(model.bos, 0), 0)[1]
        key_write, key_read = block_memory(
            m, platform, "keys", vector, self.rows, first_rows(config, first_key)
        )

        # Cycle 0: the last key, the job's own, can be addressed two cycles after the first.
        job = Signal(job_layout(config), name="job")
        row = Signal(range(model.block_size), name="row")
        active = Signal(name="active")
        accepted = Signal(name="accepted")
        fresh = Signal(name="fresh")
        issue = Signal(name="issue")
        last = Signal(name="last")
        m.d.comb += [
            self.i.ready.eq(~active & self.grant),
            accepted.eq(self.i.valid & self.i.ready),
            last.eq(active & (row == job.position)),
            issue.eq(accepted | (active & self.grant & ~(last & fresh))),
            rom.addr.eq(lent_address(self.lent, Cat(self.i.p.position, self.i.p.token))),
            rom.en.eq(lent_enable(self.lent, accepted)),
            key_read.addr.eq(Mux(active, place_of(config, job.stream, row), place_of(config, self.i.p.stream, row))),
        ]
        m.d.sync += fresh.eq(accepted)
        with m.If(accepted):
            m.d.sync += [job.eq(self.i.payload), row.eq(1), active.eq(1)]
        with m.Elif(issue):
            m.d.sync += [row.eq(Mux(last, 0, row + 1)), active.eq(~last)]

        # Cycle 1: key and value of the job are kept; keys are multiplied.
        own = place_of(config, job.stream, job.position)
        m.d.comb += [
            key_write.en.eq(fresh),
            key_write.addr.eq(own),
            key_write.data.eq(rom.data.k),
            self.value_valid.eq(fresh),
            self.value_place.eq(own),
            self.value.eq(rom.data.v),
        ]
        valid: list[Any] = [issue]
        rows: list[Any] = [Mux(active, row, 0)]
        lasts: list[Any] = [last]
        jobs: list[Any] = [None, job]
        for stage in (1, 2, 3, 4):
            valid.append(Signal(name=f"valid{stage}"))
            rows.append(Signal(range(model.block_size), name=f"row{stage}"))
            lasts.append(Signal(name=f"last{stage}"))
            m.d.sync += [
                valid[stage].eq(valid[stage - 1]),
                rows[stage].eq(rows[stage - 1]),
                lasts[stage].eq(lasts[stage - 1]),
            ]
        for stage in (2, 3, 4):
            jobs.append(Signal(job_layout(config), name=f"job{stage}"))
            m.d.sync += jobs[stage].eq(jobs[stage - 1])
        m.d.comb += self.multipliers.valid.eq(valid[1])
        for lane in range(model.n_embd):
            m.d.comb += [
                self.multipliers.a[lane][0].eq(key_read.data[lane]),
                self.multipliers.b[lane][0].eq(rom.data.q[lane]),
            ]

        # Cycles 2 and 3.
        softmax, head_dim = self.softmax, model.head_dim
        tops = Signal(data.ArrayLayout(softmax.key_shape, model.n_head), name="tops")
        lowest = Const(-(1 << (softmax.key_shape.width - 1)), softmax.key_shape)
        for head in range(model.n_head):
            lanes = range(head * head_dim, (head + 1) * head_dim)
            total = adder_tree(m, [self.multipliers.results[lane][0] for lane in lanes])
            score = Signal(softmax.score_shape, name=f"score{head}")
            m.d.sync += score.eq(softmax.score(total))
            _, best = first_maximum(m, [Mux(rows[3] == 0, lowest, tops[head]), softmax.key(score)], f"head{head}")
            m.d.comb += self.stored[head].eq(softmax.store(m, score))
            with m.If(valid[3]):
                m.d.sync += tops[head].eq(best)
        m.d.comb += [
            self.stored_valid.eq(valid[3]),
            self.stored_place.eq(place_of(config, jobs[3].stream, rows[3])),
            self.o.valid.eq(valid[4] & lasts[4]),
            self.o.p.job.eq(jobs[4]),
            self.o.p.tops.eq(tops),
        ]
        return m

    @cached_property
    def _rom_rows(self) -> list[dict[str, list[int]]]:
        """Return query, key and value by (token, position), positions padded to a power of two."""
        model = self.config.model
        pitch = 1 << (model.block_size - 1).bit_length()
        rows = []
        for token in range(model.vocab_size):
            for position in range(pitch):
                x = self.golden.embed(token, min(position, model.block_size - 1))
                q, k, v = self.golden.query_key_value(x, 0)
                rows.append({"q": q, "k": k, "v": v})
        return rows
