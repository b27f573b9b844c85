"""A core in Amaranth's simulator, in lock step with the golden model: requests, stalls and ``clear`` in any cycle."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cosim.core.pins import Pins
from cosim.core.request import Request
from cosim.core.testbench import Testbench
from hdl.core.config import CLOCK_HZ, CoreConfig
from hdl.core.interface import Stage
from hdl.design import Design
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig
from tests.helpers.pysim_core import simulate

__all__ = ["Script", "Summary", "lock_step", "random_checkpoint"]

_SLOWNESS = 50.0
"""How much longer a step may take for results that are not taken."""


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

    It is the test bench of the co-simulation, with Amaranth's simulator at its pins. Beside what that compares, the
    stages of all cycles in which the core is busy have to give its counters.
    """
    order = list(range(config.model.mlp_dim))
    random.Random(len(scripts)).shuffle(order)
    design = Design(core=config, checkpoint=checkpoint, clock_hz=CLOCK_HZ, hidden_order=tuple(order))
    summary = Summary(stages=Counter())

    async def bench(tb: Testbench) -> None:
        seen = _Seen(tb.pins)
        tb.take_if(lambda: not stall(), _SLOWNESS)
        tb.pins.spawn(seen.watch())
        for script in scripts:
            await tb.driver.idle(script.wait)
            await _run(tb, script, seen, summary)

    simulate(design, bench)
    return summary


class _Seen:
    """The stage of every cycle in which the core was busy."""

    def __init__(self, pins: Pins) -> None:
        self._pins = pins
        self._stages: dict[int, Stage] = {}

    async def watch(self) -> None:
        while True:
            await self._pins.settle()
            if self._pins.read("busy") == "1":
                self._stages[self._pins.edge] = Stage(int(self._pins.read("stage"), 2))
            await self._pins.cycle()

    def between(self, accepted: int, last: int) -> Counter[Stage]:
        """Return busy cycles by stage, after the edge that accepted a request and up to that of its last result."""
        return Counter(stage for edge, stage in self._stages.items() if accepted < edge <= last)


async def _run(tb: Testbench, script: Script, seen: _Seen, summary: Summary) -> None:
    request = script.request
    if script.clear_after == 0:
        await tb.driver.send(request, clear=True)
        await tb.forget()
        summary.cleared += 1
        return
    if not tb.model.legal(request):
        await tb.refuse(request, cycles=1)
        summary.refused += 1
        return
    accepted = await tb.begin(request)
    for _ in range((script.clear_after or 1) - 1):
        if not tb.checker.pending:
            break
        await tb.pins.cycle()
    if script.clear_after is not None and tb.checker.pending:
        await tb.clear()
        summary.cleared += 1
        return
    counted = await tb.end(request, accepted)
    stages = seen.between(accepted, accepted + counted.cycles)
    if tuple(stages[stage] for stage in Stage) != counted.stages:
        raise tb.checker.mismatch(request, "IDLE", "stages of busy cycles", counted.stages, dict(stages))
    summary.steps += len(counted.step_cycles)
    summary.stages += stages
