"""Embeddings: every token at every position, saturating, and kept without ``enable``."""

from __future__ import annotations

import random
from typing import Any

import pytest

from hdl.units.embedding import Embedding
from talos_ref.golden.arithmetic import precise
from talos_ref.golden.format import FORMATS, Format
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig
from tests.helpers.core_bench import random_checkpoint
from tests.helpers.streams import run, seed


def check(model: IntegerModel, draw: random.Random) -> None:
    """Read all pairs in any order, each kept for some cycles while the address moves on."""
    unit, word = Embedding(model), model.arithmetic.word
    wte, wpe = model.tensors["wte"], model.tensors["wpe"]
    pairs = [(token, position) for token in range(len(wte)) for position in range(len(wpe))]
    draw.shuffle(pairs)

    async def bench(ctx: Any) -> None:
        for token, position in pairs:
            ctx.set(unit.token, token)
            ctx.set(unit.position, position)
            ctx.set(unit.enable, 1)
            await ctx.tick()
            for _ in range(draw.choice((0, 0, 0, 1, 2))):
                ctx.set(unit.enable, 0)
                ctx.set(unit.token, draw.randrange(len(wte)))
                ctx.set(unit.position, draw.randrange(len(wpe)))
                await ctx.tick()
            expected = [word.saturate(a + b) for a, b in zip(wte[token], wpe[position], strict=True)]
            got = [ctx.get(unit.x[lane]) for lane in range(len(expected))]
            assert got == expected, f"token {token}, position {position}: expected {expected}, not {got}"

    run(unit, bench)


def test_published_model(checkpoint: Checkpoint) -> None:
    check(IntegerModel(checkpoint, precise(checkpoint.config)), random.Random(seed()))


@pytest.mark.parametrize("word", FORMATS, ids=str)
def test_saturation(word: Format) -> None:
    draw = random.Random(seed())
    config = ModelConfig(alphabet="abcdef", block_size=3, n_embd=5, n_head=1, mlp_dim=2)
    model = IntegerModel(random_checkpoint(config, 1), precise(config, word))
    for table in (model.tensors["wte"], model.tensors["wpe"]):
        for row in table:
            row[:] = [draw.choice((word.low, word.high, 0, -1, 1, draw.randint(word.low, word.high))) for _ in row]
    check(model, draw)


def test_latency() -> None:
    assert Embedding.LATENCY == 1
