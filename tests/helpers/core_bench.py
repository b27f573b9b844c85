"""A core in Amaranth's simulator, in lock step with the golden model: requests, stalls and ``clear`` in any cycle."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cosim.core.model import Expected, GoldenModel
from cosim.core.request import Request
from hdl.core.config import CLOCK_HZ, CoreConfig
from hdl.core.core import Core
from hdl.core.interface import Stage
from hdl.design import Design
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig
from tests.helpers.streams import run

__all__ = ["Script", "Summary", "lock_step", "random_checkpoint"]

_TIMEOUT = 5_000
"""Cycles of a request, several times what any of the tests takes."""


@dataclass(frozen=True, kw_only=True)
class Script:
    """A request, and what happens to it."""

    request: Request
    wait: int = 0
    """Cycles before it is offered."""
    clear_after: int | None = None
    """Cycles from its acceptance to ``clear``, 0 for both at once; too late if its results have been taken before."""


@dataclass(kw_only=True)
class Summary:
    """What a run has met, so that a test can tell that it met it."""

    steps: int = 0
    cleared: int = 0
    refused: int = 0
    stages: Counter[Stage]
    """Cycles of all finished requests."""


def random_checkpoint(config: ModelConfig, seed: int, scale: float = 0.4) -> Checkpoint:
    """Return normally distributed weights of a model."""
    rng = np.random.default_rng(seed)
    shapes = config.shapes().items()
    return Checkpoint(config, {name: rng.normal(0, scale, shape).astype(np.float32) for name, shape in shapes})


def lock_step(
    config: CoreConfig, checkpoint: Checkpoint, scripts: Sequence[Script], stall: Callable[[], bool] = lambda: False
) -> Summary:
    """Run every script in order on one core; fail at the first difference, return what was met.

    Compared are all fields and logits of every result, in stalled cycles too, the order and number of results, every
    counter with the cycles measured here, and ``busy``, ``error`` and ``stage`` in between.
    """
    order = list(range(config.model.mlp_dim))
    random.Random(len(scripts)).shuffle(order)
    design = Design(core=config, checkpoint=checkpoint, clock_hz=CLOCK_HZ, hidden_order=tuple(order))
    core, golden = Core(design), GoldenModel(design)
    summary = Summary(stages=Counter())

    async def bench(ctx: Any) -> None:
        for script in scripts:
            await _run(ctx, core, golden, script, stall, summary)

    run(core, bench)
    return summary


async def _run(
    ctx: Any, core: Core, golden: GoldenModel, script: Script, stall: Callable[[], bool], summary: Summary
) -> None:
    request = script.request
    if script.wait:
        await ctx.tick().repeat(script.wait)
    expected = golden.respond(request)
    await _offer(ctx, core, request, clear=script.clear_after == 0)
    if script.clear_after == 0:
        golden.clear()
        summary.cleared += 1
        _check_cleared(ctx, core, request)
        return
    assert ctx.get(core.error) == (not expected), request.describe()
    if not expected:
        summary.refused += 1
        assert not ctx.get(core.busy), request.describe()
        return
    stages, taken, cycle = Counter[Stage](), 0, 0
    while taken < len(expected):
        cycle += 1
        assert cycle < _TIMEOUT, f"{request.describe()}: no result {taken} after {cycle} cycles"
        ctx.set(core.result.ready, not stall())
        cleared = script.clear_after == cycle
        ctx.set(core.clear, cleared)
        if ctx.get(core.result.valid):
            _compare(ctx, core, request, taken, expected[taken])
            taken += ctx.get(core.result.ready)
        assert ctx.get(core.busy), f"{request.describe()}: not busy in cycle {cycle}, before result {taken}"
        stages[Stage(ctx.get(core.stage))] += 1
        await ctx.tick()
        if cleared:
            golden.clear()
            summary.cleared += 1
            _check_cleared(ctx, core, request)
            return
    ctx.set(core.result.ready, 0)
    _check_counters(ctx, core, request, expected, stages)
    summary.steps += len(expected)
    summary.stages += stages


async def _offer(ctx: Any, core: Core, request: Request, *, clear: bool) -> None:
    """Hand over a request; the next cycle is the first of its first step."""
    for name, value in request.fields().items():
        ctx.set(core.request.p[name], value)
    ctx.set(core.request.valid, 1)
    for _ in range(_TIMEOUT):
        ready = ctx.get(core.request.ready)
        ctx.set(core.clear, clear and ready)
        await ctx.tick()
        if ready:
            ctx.set(core.request.valid, 0)
            return
    raise AssertionError(f"{request.describe()}: not accepted in {_TIMEOUT} cycles")


def _compare(ctx: Any, core: Core, request: Request, step: int, expected: Expected) -> None:
    actual: dict[str, Sequence[int]] = {name: (ctx.get(core.result.p[name]),) for name in expected.fields}
    wanted: dict[str, Sequence[int]] = {name: (value,) for name, value in expected.fields.items()}
    actual["logits"] = [ctx.get(core.logits[token]) for token in range(len(expected.logits))]
    wanted["logits"] = expected.logits
    for name, values in wanted.items():
        for index, (got, want) in enumerate(zip(actual[name], values, strict=True)):
            assert got == want, (
                f"{core.config.name}: {request.describe()}: step {step}: {name}[{index}] must be {want}, not {got}"
            )


def _check_counters(
    ctx: Any, core: Core, request: Request, expected: Sequence[Expected], stages: Counter[Stage]
) -> None:
    """The cycle after the last result: counters stand, nothing runs."""
    counters, bos = core.counters, core.model.bos
    wanted = {
        "cycles": stages.total(),
        "steps": len(expected),
        "letters": sum(step.fields["token_out"] != bos for step in expected),
        **{f"stages[{stage.name}]": stages[stage] for stage in Stage},
        "busy": 0,
        "error": 0,
        "result.valid": 0,
    }
    actual = {
        "cycles": ctx.get(counters.cycles),
        "steps": ctx.get(counters.steps),
        "letters": ctx.get(counters.letters),
        **{f"stages[{stage.name}]": ctx.get(counters.stages[stage.value]) for stage in Stage},
        "busy": ctx.get(core.busy),
        "error": ctx.get(core.error),
        "result.valid": ctx.get(core.result.valid),
    }
    for name, want in wanted.items():
        got = actual[name]
        assert got == want, f"{core.config.name}: {request.describe()}: {name} must be {want}, not {got}"


def _check_cleared(ctx: Any, core: Core, request: Request) -> None:
    """The cycle after ``clear``: nothing runs, nothing is offered, nothing has been counted."""
    ctx.set(core.clear, 0)
    ctx.set(core.result.ready, 0)
    found = {
        "busy": ctx.get(core.busy),
        "error": ctx.get(core.error),
        "result.valid": ctx.get(core.result.valid),
        "stage": int(ctx.get(core.stage)),
        "cycles": ctx.get(core.counters.cycles),
    }
    assert not any(found.values()), f"{core.config.name}: {request.describe()}: after clear: {found}"
