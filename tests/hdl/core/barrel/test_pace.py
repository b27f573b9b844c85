"""The longest time without a result is above what a barrel takes."""

from __future__ import annotations

from typing import Any

import pytest

from hdl.core.barrel.barrel import Barrel
from hdl.core.barrel.pace import longest_wait
from hdl.core.cores import core_config
from talos_ref.model.config import ModelConfig
from tests.helpers.barrel_designs import barrel_config
from tests.helpers.core_bench import random_checkpoint
from tests.helpers.designs import design_of
from tests.helpers.streams import run

MODEL = ModelConfig(alphabet="abc", block_size=9, n_embd=4, n_head=1, mlp_dim=24)


@pytest.mark.parametrize("streams", [2, 4])
def test_a_step_of_one_name(streams: int) -> None:
    """A stream alone takes its share of that time; and the bound is not so far above that it would be of no use."""
    config = barrel_config(MODEL, streams=streams, rows=1, lanes=1)
    core = Barrel(design_of(config, random_checkpoint(MODEL, 5, 0.4)), tap=False)
    gaps: list[int] = []

    async def bench(ctx: Any) -> None:
        ctx.set(core.batch.payload, {"seed": 3, "count": 1, "temperature": 0x80, "limit": MODEL.max_letters})
        ctx.set(core.batch.valid, 1)
        ctx.set(core.result.ready, 1)
        await ctx.tick().until(core.batch.ready)
        ctx.set(core.batch.valid, 0)
        waited = 0
        while ctx.get(core.busy):
            waited += 1
            if ctx.get(core.result.valid):
                gaps.append(waited)
                waited = 0
            await ctx.tick()

    run(core, bench)
    share = longest_wait(config) // streams
    assert len(gaps) > 2
    assert share / 3 < max(gaps) <= share


def test_the_named_core() -> None:
    assert longest_wait(core_config("barrel")) == 8 * (35 + 14 + 68 + 7 + 64)
