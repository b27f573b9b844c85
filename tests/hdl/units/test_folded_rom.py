"""The folded ROM: every row of it against the golden model."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from hdl.units.folded_rom import FoldedRom
from talos_ref.golden.arithmetic import arithmetic
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig
from tests.helpers.core_bench import random_checkpoint
from tests.helpers.streams import run, seed

SMALL = ModelConfig(alphabet="abcde", block_size=5, n_embd=4, n_head=1, mlp_dim=3)


def check(rom: FoldedRom, model: IntegerModel, draw: random.Random) -> None:
    """Read every (token, position) in any order, each kept for some cycles while the address moves on."""
    config = model.config
    addresses = [(token, position) for token in range(config.vocab_size) for position in range(config.block_size)]
    draw.shuffle(addresses)

    async def bench(ctx: Any) -> None:
        for token, position in addresses:
            ctx.set(rom.token, token)
            ctx.set(rom.position, position)
            ctx.set(rom.enable, 1)
            await ctx.tick()
            for _ in range(draw.choice((0, 0, 0, 1))):
                ctx.set(rom.enable, 0)
                ctx.set(rom.token, draw.randrange(config.vocab_size))
                ctx.set(rom.position, draw.randrange(config.block_size))
                await ctx.tick()
            x = model.embed(token, position)
            expected = dict(zip("xqkv", (x, *model.query_key_value(x, 0)), strict=True))
            if model.arithmetic.folds_projection:
                hidden, logits = model.arithmetic.mlp.addends(model.tensors, "layer0.", x)
                expected["hidden"] = [hidden[unit] for unit in rom.hidden_order]
                expected["logits"] = logits if position else model.logits(token, 0, model.new_cache())
            for name, vector in expected.items():
                got = [ctx.get(getattr(rom, name)[lane]) for lane in range(len(vector))]
                assert got == vector, f"{name} of token {token}, position {position}: expected {vector}, not {got}"

    run(rom, bench)


@pytest.mark.parametrize("arithmetic_name", ["talos-v2", "precise", "folded"])
def test_published_model(arithmetic_name: str, checkpoint: Checkpoint) -> None:
    model = IntegerModel(checkpoint, arithmetic(arithmetic_name, checkpoint.config))
    draw = random.Random(seed())
    check(FoldedRom(model, draw.sample(range(model.config.mlp_dim), model.config.mlp_dim)), model, draw)


@pytest.mark.parametrize("block_size", [2, 4, 5])
def test_positions_that_are_no_power_of_two(block_size: int) -> None:
    draw = random.Random(seed())
    checkpoint = random_checkpoint(replace(SMALL, block_size=block_size), draw.getrandbits(32))
    model = IntegerModel(checkpoint, arithmetic("precise", checkpoint.config))
    check(FoldedRom(model, range(SMALL.mlp_dim)), model, draw)
