"""What a core with several streams must answer: every step of every name of its batches, from the golden model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from cosim.barrel.batch import Batch
from hdl.design import Design
from talos_ref.golden.batched import BatchedSteps, replay
from talos_ref.golden.digest import add_steps
from talos_ref.golden.generate import steps
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.golden.xorshift32 import ZERO_STATE

__all__ = ["ExpectedName", "ExpectedStep", "expected_names"]

_SIDE_BY_SIDE = 100
"""Names from which the golden model runs them side by side; the plain form is what fewer are held against."""


@dataclass(frozen=True)
class ExpectedStep:
    """One step: the token drawn, the random state after it, and the logits."""

    token: int
    rng: int
    logits: tuple[int, ...]


@dataclass(frozen=True)
class ExpectedName:
    """One name of a batch; its steps are made when they are asked for."""

    batch: Batch
    seed: int
    length: int
    """Steps."""
    step: Callable[[int], ExpectedStep]
    """Return the step at a position."""

    def add_to(self, digest: int) -> int:
        """Return a digest with the steps of the name added."""
        return add_steps(digest, ((self.seed, p, self.step(p).token) for p in range(self.length)))


def expected_names(design: Design, batch: Batch, reference: str = "python") -> list[ExpectedName]:
    """Return the names of a batch in the order of its seeds; none if it is illegal.

    With the reference ``c``, host_c's integer kernels answer, which are held to the golden model and are faster.
    """
    if not batch.count or not 1 <= batch.limit <= design.model.max_letters:
        return []
    states = [seed or ZERO_STATE for seed in batch.seeds]
    temperature = design.arithmetic.sampler.honoured(batch.temperature)
    if reference == "c":
        # Late: only who asks for it needs the extension.
        from host_c import Model
        from host_c.binding.trace import trace

        found = trace(Model(design), states, temperature / 256, batch.limit)
    elif batch.count < _SIDE_BY_SIDE:
        model = IntegerModel(design.checkpoint, design.arithmetic)
        return [_plain(model, batch, temperature, seed, state) for seed, state in zip(batch.seeds, states, strict=True)]
    else:
        found = replay(design.checkpoint, design.arithmetic, states, temperature, limit=batch.limit)
    starts = [*np.flatnonzero(found.pos == 0).tolist(), len(found)]
    return [
        ExpectedName(batch, seed, after - first, partial(_of_many, found, first))
        for seed, (first, after) in zip(batch.seeds, pairwise(starts), strict=True)
    ]


def _of_many(found: BatchedSteps, first: int, position: int) -> ExpectedStep:
    index = first + position
    return ExpectedStep(int(found.token_out[index]), int(found.rng[index]), tuple(found.logits[index].tolist()))


def _plain(model: IntegerModel, batch: Batch, temperature: int, seed: int, state: int) -> ExpectedName:
    found = [
        ExpectedStep(step.token_out, step.rng, tuple(int(logit) for logit in step.logits))
        for step in steps(model, seed=state, temperature=temperature, limit=batch.limit)
    ]
    return ExpectedName(batch, seed, len(found), found.__getitem__)
