"""Cores of several streams and small models in Amaranth's simulator: every step of every name, stalls, two batches."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import pytest

from hdl.core.barrel.barrel import Barrel
from hdl.core.config import CoreConfig
from talos_ref.golden.digest import add_steps
from talos_ref.golden.generate import Step, steps
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.model.config import ModelConfig
from tests.helpers.barrel_designs import SMALL, barrel_config
from tests.helpers.core_bench import random_checkpoint
from tests.helpers.designs import design_of
from tests.helpers.streams import run, seed

TWO = ModelConfig(alphabet="a", block_size=2, n_embd=2, n_head=2, mlp_dim=1)
FOUR = ModelConfig(alphabet="abcd", block_size=9, n_embd=4, n_head=1, mlp_dim=8)
CONFIGS = {
    "odd model": barrel_config(),
    "one row, a lane, two streams": barrel_config(streams=2, rows=1, lanes=1),
    "everything at once": barrel_config(FOUR, streams=8, rows=16, lanes=5),
    "smallest model": barrel_config(TWO, streams=2, rows=2, lanes=2),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_every_step(name: str) -> None:
    draw, config = random.Random(seed()), CONFIGS[name]
    model = config.model
    design = design_of(config, random_checkpoint(model, draw.getrandbits(32), 0.4))
    golden, core = IntegerModel(design.checkpoint, design.arithmetic), Barrel(design)
    batches = [
        (draw.randrange(1, 1 << 31), draw.randint(3, 5), temperature, draw.randint(1, model.max_letters))
        for temperature in (0x80, 0, 0x400)
    ]
    due = {
        first + index: list(steps(golden, seed=first + index, temperature=temperature, limit=limit))
        for first, count, temperature, limit in batches
        for index in range(count)
    }
    taps: deque[tuple[int, int, tuple[int, ...]]] = deque()
    done: list[tuple[int, int, int]] = []

    async def sender(ctx: Any) -> None:
        for batch in batches:
            ctx.set(core.batch.payload, dict(zip(("seed", "count", "temperature", "limit"), batch, strict=True)))
            ctx.set(core.batch.valid, 1)
            await ctx.tick().until(core.batch.ready)
            ctx.set(core.batch.valid, 0)

    async def receiver(ctx: Any) -> None:
        result = core.result.p
        places: dict[int, int] = {}
        for _ in range(3000):
            ctx.set(core.result.ready, draw.random() < 0.8)
            if ctx.get(core.tap_valid):
                logits = tuple(ctx.get(core.tap.logits[token]) for token in range(model.vocab_size))
                taps.append((ctx.get(core.tap.stream), ctx.get(core.tap.rng), logits))
            if ctx.get(core.result.valid) and ctx.get(core.result.ready):
                stream, number, position = ctx.get(result.stream), ctx.get(result.seed), ctx.get(result.position)
                step: Step = due[number][position]
                assert position == sum(1 for entry in done if entry[0] == number)
                assert places.setdefault(number, stream) == stream
                assert taps.popleft() == (stream, step.rng, step.logits)
                assert ctx.get(result.token) == step.token_out
                assert ctx.get(result.last) == (step is due[number][-1])
                done.append((number, position, step.token_out))
            if len(done) == sum(map(len, due.values())):
                break
            await ctx.tick()
        await ctx.tick().repeat(4)
        assert not ctx.get(core.busy)
        assert ctx.get(core.counters.steps) == len(done) == sum(map(len, due.values()))
        assert ctx.get(core.counters.digest) == add_steps(0, done)

    run(core, sender, receiver)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"streams": 3}, ValueError, r"^streams must be a power of two from 1 to 64, not 3$"),
        ({"streams": 2.0}, TypeError, r"^streams must be an integer, not 2\.0$"),
        ({"tile_columns": 3}, ValueError, r"^tile_columns must be n_embd, 6, with several streams, not 3$"),
        (
            {"arithmetic_name": "precise"}, ValueError,
            r"^arithmetic_name must be folded with several streams, not 'precise'$",
        ),
    ],
)  # fmt: skip
def test_configurations_that_there_are_not(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    fields: dict[str, Any] = {
        "name": "any", "arithmetic_name": "folded", "tile_rows": 4, "tile_columns": 6, "first_layer_in_rom": True,
        "streams": 2, "model": SMALL,
    }  # fmt: skip
    with pytest.raises(error, match=message):
        CoreConfig(**fields | options)
