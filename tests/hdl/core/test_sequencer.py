"""The sequencer: every instruction in order, waits, steps without a gap, and what each cycle is counted as."""

from __future__ import annotations

import random
from typing import Any

import pytest

from hdl.core.config import CORES, CoreConfig
from hdl.core.interface import Stage
from hdl.core.schedule import Instruction, Operation, schedule, tile_instructions
from hdl.core.sequencer import Sequencer
from talos_ref.model.config import ModelConfig
from tests.helpers.streams import run, seed

TWO_LAYERS = CoreConfig(
    name="two layers", arithmetic_name="precise", tile_rows=4, tile_columns=2,
    model=ModelConfig(alphabet="ab", block_size=3, n_embd=8, n_head=2, mlp_dim=12, n_layer=2),
)  # fmt: skip
CONFIGS = [*CORES.values(), TWO_LAYERS]
FIELDS = (
    "operation", "stage", "wait_stage", "source", "destination", "layer", "row", "column", "first", "last", "complete",
    "release", "scaled", "measure", "sparse",
)  # fmt: skip


def expect_current(ctx: Any, sequencer: Sequencer, index: int, ready: bool, weight: int) -> Instruction:
    """Compare everything that is said of instruction ``index``."""
    instruction = sequencer.program[index]
    assert ctx.get(sequencer.running)
    for name in FIELDS:
        got, want = int(ctx.get(sequencer.instruction[name])), int(getattr(instruction, name))
        assert got == want, f"instruction {index}: {name} must be {want}, not {got}"
    assert ctx.get(sequencer.done) == ready
    stage = instruction.stage if ready else instruction.wait_stage
    assert Stage(int(ctx.get(sequencer.stage))) is stage, f"instruction {index}: stage must be {stage}"
    if instruction.operation is Operation.MULTIPLY:
        assert ctx.get(sequencer.weight_address) == weight, f"instruction {index}: its weights are word {weight}"
    return instruction


def expect_idle(ctx: Any, sequencer: Sequencer) -> None:
    assert not ctx.get(sequencer.running)
    assert not ctx.get(sequencer.done)
    assert Stage(int(ctx.get(sequencer.stage))) is Stage.IDLE


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.name)
def test_steps_without_a_wait_have_no_gap(config: CoreConfig) -> None:
    """Three steps take three times as many cycles as there are instructions."""
    sequencer = Sequencer(schedule(config))
    count, steps = len(sequencer.program), 3

    async def bench(ctx: Any) -> None:
        expect_idle(ctx, sequencer)
        ctx.set(sequencer.ready, 1)
        expect_idle(ctx, sequencer)
        ctx.set(sequencer.start, 1)
        await ctx.tick()
        for step in range(steps):
            weight = 0
            for index in range(count):
                ctx.set(sequencer.start, index == count - 1 and step < steps - 1)
                instruction = expect_current(ctx, sequencer, index, True, weight)
                weight += instruction.operation is Operation.MULTIPLY
                await ctx.tick()
            assert weight == len(tile_instructions(sequencer.program))
        expect_idle(ctx, sequencer)

    run(sequencer, bench)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.name)
def test_waits(config: CoreConfig) -> None:
    """Any instruction may wait; steps follow at once or after some idle cycles."""
    draw = random.Random(seed())
    sequencer = Sequencer(schedule(config))
    count = len(sequencer.program)

    async def bench(ctx: Any) -> None:
        following = False
        for _ in range(4):
            if not following:
                for _ in range(draw.randint(0, 3)):
                    ctx.set(sequencer.ready, draw.random() < 0.5)
                    expect_idle(ctx, sequencer)
                    await ctx.tick()
                ctx.set(sequencer.start, 1)
                await ctx.tick()
                ctx.set(sequencer.start, 0)
            index, weight = 0, 0
            while index < count:
                ready = draw.random() < 0.6
                following = index == count - 1 and ready and draw.random() < 0.5
                ctx.set(sequencer.ready, ready)
                ctx.set(sequencer.start, following)
                instruction = expect_current(ctx, sequencer, index, ready, weight)
                weight += ready and instruction.operation is Operation.MULTIPLY
                index += ready
                await ctx.tick()
            ctx.set(sequencer.start, 0)

    run(sequencer, bench)
