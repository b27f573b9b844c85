"""The first half of attention: a query's products with the keys of its stream, a position a cycle."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from amaranth.hdl import C, Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.core.barrel.jobs import job_layout, place_of, scored_layout, stored_layout, vector_layout
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
    stream's, the value goes out. Position 0, which is BOS in every name, is no job: ``first`` keeps its key and
    value, beside the jobs of other streams, none of which waits. So a name reads no row that it has not written, and a
    bit that a particle flips in one is gone with the name.

        0: address a key; with the first, the ROM    1: products    2: sums, scores    3: stored; largest    4: offered

    Members
    -------
    i : In(stream of jobs), positions 1 and on
    first : In(stream of a stream's number), always ready
        A step at position 0, in every second cycle at most. The stream's next job may be accepted ``FIRST_LATENCY``
        cycles later.
    grant : In(1)
        The multipliers are free in the next cycle.
    value_valid, value_place, value : Out
        The value of a job, or at position 0, for one cycle.
    stored_valid, stored_place, stored : Out
        A position's scores of all heads, for one cycle.
    o : Out(stream of scored_layout), always ready
    multipliers : Out(MultiplierPort), n_embd × 1
    """

    FIRST_LATENCY = 2

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
                "first": In(stream.Signature(index_shape(config.streams), always_ready=True)),
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
        # Two, for a query stays while key and value of position 0 are read.
        queries = block_rom(m, "queries", vector, [row["q"] for row in self._rom_rows])
        pairs = block_rom(m, "pairs", data.StructLayout({"k": vector, "v": vector}),
                          [{"k": row["k"], "v": row["v"]} for row in self._rom_rows])  # fmt: skip
        show(m, self.lent, queries.data, pairs.data)
        key_write, key_read = block_memory(m, platform, "keys", vector, self.rows)

        # Cycle 0: the last key, the job's own, can be addressed two cycles after the first.
        job = Signal(job_layout(config), name="job")
        row = Signal(range(model.block_size), name="row")
        active = Signal(name="active")
        accepted = Signal(name="accepted")
        fresh = Signal(name="fresh")
        issue = Signal(name="issue")
        last = Signal(name="last")
        first_due, first_waits, first_read = (Signal(name=f"first_{name}") for name in ("due", "waits", "read"))
        positions = len(self.i.p.position)
        bos = C(model.bos << positions, len(self.i.p.token) + positions)
        asked = Signal.like(bos, name="asked")
        m.d.comb += [
            self.i.ready.eq(~active & self.grant),
            accepted.eq(self.i.valid & self.i.ready),
            last.eq(active & (row == job.position)),
            issue.eq(accepted | (active & self.grant & ~(last & fresh))),
            # A job takes three cycles or more, so that position 0 waits for one at most.
            first_due.eq(self.first.valid | first_waits),
            first_read.eq(first_due & ~accepted),
            asked.eq(Mux(first_read, bos, Cat(self.i.p.position, self.i.p.token))),
            queries.addr.eq(lent_address(self.lent, asked)),
            queries.en.eq(lent_enable(self.lent, accepted)),
            pairs.addr.eq(lent_address(self.lent, asked)),
            pairs.en.eq(lent_enable(self.lent, accepted | first_read)),
            key_read.addr.eq(Mux(active, place_of(config, job.stream, row), place_of(config, self.i.p.stream, row))),
        ]
        first_fresh, first_stream = Signal(name="first_fresh"), Signal(index_shape(config.streams), name="first_stream")
        m.d.sync += [fresh.eq(accepted), first_waits.eq(first_due & accepted), first_fresh.eq(first_read)]
        with m.If(self.first.valid):
            m.d.sync += first_stream.eq(self.first.payload)
        with m.If(accepted):
            m.d.sync += [job.eq(self.i.payload), row.eq(1), active.eq(1)]
        with m.Elif(issue):
            m.d.sync += [row.eq(Mux(last, 0, row + 1)), active.eq(~last)]

        # Cycle 1: key and value of the job, or at position 0, are kept; keys are multiplied.
        own = Mux(fresh, place_of(config, job.stream, job.position), place_of(config, first_stream, C(0, positions)))
        m.d.comb += [
            key_write.en.eq(fresh | first_fresh),
            key_write.addr.eq(own),
            key_write.data.eq(pairs.data.k),
            self.value_valid.eq(fresh | first_fresh),
            self.value_place.eq(own),
            self.value.eq(pairs.data.v),
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
                self.multipliers.b[lane][0].eq(queries.data[lane]),
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
