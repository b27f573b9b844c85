"""The units of a barrel against the golden model: attention, matrix, head and draw, with several streams at once."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

from amaranth.hdl import Module
from amaranth.lib import wiring

from hdl.core.barrel.draw import Draw
from hdl.core.barrel.head import Head
from hdl.core.barrel.jobs import Part, blocks_of, scored_layout
from hdl.core.barrel.matrix import Matrix
from hdl.core.barrel.memory import Queue
from hdl.core.barrel.scores import Scores
from hdl.core.barrel.sums import Sums
from hdl.core.config import CoreConfig
from hdl.units.multipliers import bank_of, share
from talos_ref.golden.attention import attend
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.golden.mlp import project
from talos_ref.golden.xorshift32 import xorshift32
from tests.helpers.banks import with_bank
from tests.helpers.barrel_designs import barrel_config
from tests.helpers.core_bench import random_checkpoint
from tests.helpers.roms import simulated
from tests.helpers.streams import run, seed

ORDER = (3, 1, 0, 2, 9, 8, 7, 6, 5, 4)


def golden_of(config: CoreConfig, draw: random.Random) -> IntegerModel:
    return IntegerModel(random_checkpoint(config.model, draw.getrandbits(32), 0.4), config.arithmetic)


def words(ctx: Any, vector: Any, count: int) -> list[int]:
    return [ctx.get(vector[index]) for index in range(count)]


def attention_of(config: CoreConfig, golden: IntegerModel) -> tuple[Module, Scores, Sums]:
    """Return both halves of attention on one bank, with the queue between them."""
    m = Module()
    m.submodules.scores, m.submodules.sums = scores, sums = Scores(config, golden), Sums(config, golden)
    m.submodules.scored = scored = Queue(scored_layout(config), config.streams)
    wiring.connect(m, scores.o, scored.i)
    wiring.connect(m, scored.o, sums.i)
    m.d.comb += scores.grant.eq(sums.grant)
    for name in ("stored_valid", "stored_place", "stored", "value_valid", "value_place", "value"):
        m.d.comb += getattr(sums, name).eq(getattr(scores, name))
    users = [scores.multipliers, sums.multipliers, sums.quotient_multipliers]
    m.submodules.bank = bank = bank_of(users)
    share(m, bank, users)
    return m, scores, sums


def test_attention_of_streams_at_positions_of_their_own() -> None:
    """Before each name a bit flips in key and value of its position 0, in both caches."""
    draw, config = random.Random(seed()), barrel_config()
    model, golden = config.model, golden_of(config, draw)
    caches = {}
    tokens = {stream: [model.bos] for stream in range(config.streams)}

    def expected(stream: int) -> list[int]:
        cache = golden.new_cache()
        for position, token in enumerate(tokens[stream]):
            q, k, v = golden.query_key_value(golden.embed(token, position), 0)
            cache.layers[0].keys.append(k)
            cache.layers[0].values.append(v)
        return attend(config.arithmetic.attention, q, cache.layers[0])

    m, scores, sums = attention_of(config, golden)
    simulator, memories, _ = simulated(m, written=True)
    kept = [memory for memory in memories if memory.name.endswith(("keys", "values"))]
    assert len(kept) == 2
    begins, begun, ready, met = deque(tokens), deque[tuple[int, int]](), deque[int](), 0

    async def bench(ctx: Any) -> None:
        nonlocal met
        spaced = 0
        for cycle in range(1200):
            ctx.set(scores.first.valid, 0)
            if begins and cycle >= spaced and draw.random() < 0.8:
                for memory in kept:
                    memory.flip(ctx, begins[0] * memory.depth // config.streams, draw.randrange(memory.width))
                ctx.set(scores.first.payload, begins[0])
                ctx.set(scores.first.valid, 1)
                spaced = cycle + 2
                begun.append((cycle + scores.FIRST_LATENCY, begins.popleft()))
            if begun and cycle >= begun[0][0]:
                ready.appendleft(begun.popleft()[1])
            if ready and not ctx.get(scores.i.valid) and draw.random() < 0.8:
                stream = ready.popleft()
                tokens[stream].append(draw.randrange(model.vocab_size - 1))
                caches[stream] = expected(stream)
                job = {"stream": stream, "token": tokens[stream][-1], "position": len(tokens[stream]) - 1}
                ctx.set(scores.i.payload, job)
                ctx.set(scores.i.valid, 1)
            accepted = ctx.get(scores.i.valid) and ctx.get(scores.i.ready)
            if ctx.get(sums.o.valid):
                stream = ctx.get(sums.o.p.job.stream)
                assert words(ctx, sums.o.p.attended, model.n_embd) == caches.pop(stream), tokens[stream]
                assert ctx.get(sums.o.p.job.token) == tokens[stream][-1]
                assert ctx.get(sums.o.p.job.position) == len(tokens[stream]) - 1
                if len(tokens[stream]) == model.block_size:
                    tokens[stream] = [model.bos]
                    begins.append(stream)
                else:
                    ready.append(stream)
                met += 1
            await ctx.tick()
            if accepted:
                ctx.set(scores.i.valid, 0)

    simulator.add_testbench(bench)
    simulator.run()
    assert met >= 60


def random_word(draw: random.Random) -> int:
    return draw.choice((draw.randint(-32768, 32767), draw.randint(-3000, 3000), -32768, 32767, 0))


def products(golden: IntegerModel, token: int, position: int, attended: list[int]) -> dict[Part, list[int]]:
    """Return x1, the sums of the logits, and the hidden units in ``ORDER``, of an output of attention."""
    tensors, mlp = golden.tensors, golden.arithmetic.mlp
    x = golden.embed(token, position)
    _, addends = mlp.addends(tensors, "layer0.", x)
    hidden = mlp.hidden(tensors, "layer0.", x, attended)
    direct = [sum(w * a for w, a in zip(row, attended, strict=True)) for row in tensors["lm_head_wo"]]
    return {
        Part.RESIDUAL: project(golden.arithmetic.linear, tensors, "layer0.", x, attended),
        Part.LOGITS: [part + (addend << 12) for part, addend in zip(direct, addends, strict=True)],
        Part.HIDDEN: [hidden[unit] for unit in ORDER],
    }


def random_job(draw: random.Random, config: CoreConfig) -> tuple[int, int, int, list[int]]:
    """Return stream, token, position and an output of attention."""
    model = config.model
    token, position = draw.randrange(model.vocab_size), draw.randrange(1, model.block_size)
    return draw.randrange(config.streams), token, position, [random_word(draw) for _ in range(model.n_embd)]


def test_matrix() -> None:
    draw, config = random.Random(seed()), barrel_config()
    golden, rows = golden_of(config, draw), config.tile_rows
    unit = Matrix(config, golden, ORDER)
    blocks = [(part, block) for part, count in blocks_of(config).items() for block in range(count)]
    jobs = [random_job(draw, config) for _ in range(40)]
    seen: list[Any] = []

    async def producer(ctx: Any) -> None:
        for stream, token, position, attended in jobs:
            await ctx.tick().repeat(draw.choice((1, 1, 2, 7)))
            job = {"stream": stream, "token": token, "position": position}
            ctx.set(unit.i.payload, {"job": job, "attended": attended})
            ctx.set(unit.i.valid, 1)
            await ctx.tick().repeat(len(blocks) - 1)
            assert ctx.get(unit.i.ready), "a job must take a cycle for every block"
            await ctx.tick()
            ctx.set(unit.i.valid, 0)
        await ctx.tick().repeat(unit.LATENCY)

    async def monitor(ctx: Any) -> None:
        p = unit.o.p
        while len(seen) < len(jobs) * len(blocks):
            if ctx.get(unit.o.valid):
                seen.append((ctx.get(p.stream), ctx.get(p.part), ctx.get(p.block), ctx.get(p.last),
                             {Part.LOGITS: words(ctx, p.sums, rows)}, words(ctx, p.words, rows)))  # fmt: skip
            await ctx.tick()

    run(with_bank(unit, [unit.multipliers]), producer, monitor)
    expected = [(job, place, products(golden, *job[1:])) for job in jobs for place in blocks]
    for (job, (part, block), wanted), (stream, *found, sums, vector) in zip(expected, seen, strict=True):
        assert (stream, *found) == (job[0], part, block, block == blocks_of(config)[part] - 1)
        values = wanted[part][block * rows : (block + 1) * rows]
        assert sums.get(part, vector)[: len(values)] == values, job


def test_head() -> None:
    draw, config = random.Random(seed()), barrel_config()
    golden, rows = golden_of(config, draw), config.tile_rows
    unit = Head(config, golden, ORDER)
    m = Module()
    m.submodules.unit = unit
    users = [unit.multipliers, unit.scale_multipliers, unit.square_multipliers]
    m.submodules.bank = bank = bank_of(users)
    share(m, bank, users)
    # All hidden units are 0 in some; a stream comes again when its logits are there.
    jobs = [(index % config.streams, *random_job(draw, config)[1:]) for index in range(60)]
    jobs = [(*job[:3], [0] * config.model.n_embd if draw.random() < 0.2 else job[3]) for job in jobs]
    answers: list[tuple[int, list[int]]] = []

    async def producer(ctx: Any) -> None:
        for index, job in enumerate(jobs):
            while len(answers) <= index - config.streams:
                await ctx.tick()
            made = products(golden, *job[1:])
            if draw.random() < 0.3:
                made[Part.HIDDEN] = [0] * len(ORDER)
            wanted.append((job, made))
            for part, count in blocks_of(config).items():
                for block in range(count):
                    values = made[part][block * rows : (block + 1) * rows]
                    values += [0] * (rows - len(values))
                    payload: dict[str, Any] = {"words": [0] * rows, "sums": [0] * rows}
                    payload |= {"stream": job[0], "part": part, "block": block, "last": block == count - 1}
                    payload["sums" if part is Part.LOGITS else "words"] = values
                    ctx.set(unit.i.payload, payload)
                    ctx.set(unit.i.valid, 1)
                    await ctx.tick()
                    ctx.set(unit.i.valid, 0)
            await ctx.tick().repeat(draw.choice((1, 1, 2, 20)))

    async def monitor(ctx: Any) -> None:
        while len(answers) < len(jobs):
            if ctx.get(unit.o.valid):
                answers.append((ctx.get(unit.o.p.stream), words(ctx, unit.o.p.logits, config.model.vocab_size)))
            await ctx.tick()

    wanted: list[Any] = []
    run(m, producer, monitor)
    spec = config.arithmetic.scaled_linear
    assert spec is not None
    for (stream, logits), (job, made) in zip(answers, wanted, strict=True):
        scale = config.arithmetic.rmsnorm.scale(made[Part.RESIDUAL])
        hidden = dict(zip(ORDER, made[Part.HIDDEN], strict=True))
        totals = [sum(w * hidden[unit] for unit, w in enumerate(row)) for row in golden.tensors["folded"]]
        assert stream == job[0]
        assert logits == [spec.requantise(t, scale, a) for t, a in zip(totals, made[Part.LOGITS], strict=True)], job


def test_draw() -> None:
    draw, config = random.Random(seed()), barrel_config()
    golden, vocab = golden_of(config, draw), config.model.vocab_size
    unit = Draw(config, golden, tap=True)
    first = golden.logits(config.model.bos, 0, golden.new_cache())
    low, high = config.arithmetic.logit.low, config.arithmetic.logit.high
    states: dict[int, tuple[int, int]] = {}
    due: deque[tuple[int, int, int, list[int]]] = deque()
    free, drawn, chosen = list(range(config.streams)), 0, 0
    pending: dict[int, list[int]] = {}

    async def bench(ctx: Any) -> None:
        nonlocal drawn, chosen
        for _ in range(900):
            ctx.set(unit.i.valid, 0)
            ctx.set(unit.first.valid, 0)
            if free and draw.random() < 0.5:
                stream = free.pop(draw.randrange(len(free)))
                states[stream] = draw.getrandbits(32) | 1, draw.choice((0, 0x10, 0x80, 0x100, 0x1000))
                near = draw.randint(low, high - 9)
                if draw.random() < 0.4:
                    pending[stream] = first
                    ctx.set(unit.first.payload, stream)
                    ctx.set(unit.first.valid, 1)
                else:
                    logits = [draw.choice((draw.randint(low, high), near, near + 1)) for _ in range(vocab)]
                    pending[stream] = logits
                    ctx.set(unit.i.payload, {"stream": stream, "logits": logits})
                    ctx.set(unit.i.valid, 1)
            # The state of the stream chosen in the cycle before.
            rng, temperature = states.get(chosen, (1, 0))
            ctx.set(unit.random, {"rng": rng, "temperature": temperature})
            chosen = ctx.get(unit.chosen)
            if ctx.get(unit.tap_valid):
                stream = ctx.get(unit.tap.stream)
                rng, temperature = states[stream]
                after = xorshift32(rng) if temperature else rng
                assert ctx.get(unit.tap.rng) == after
                assert words(ctx, unit.tap.logits, vocab) == pending[stream]
                due.append((stream, temperature, after, pending[stream]))
            if ctx.get(unit.o.valid):
                stream, temperature, state, logits = due.popleft()
                assert ctx.get(unit.o.p.stream) == stream
                assert ctx.get(unit.o.p.token) == golden.draw(logits, temperature, state)
                free.append(stream)
                drawn += 1
            await ctx.tick()

    run(unit, bench)
    assert drawn > 900 // (2 * unit.SPACING)
