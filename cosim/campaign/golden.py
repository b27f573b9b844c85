"""Shards of the C library beside the golden model in Python: every logit, token and random state of every kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from cosim.campaign import kernels
from cosim.campaign.shard import Outcome, Shard, Status
from hdl.design import Design
from host_c.binding.model import Model
from host_c.binding.trace import trace
from talos_ref.golden.arrays import Ints
from talos_ref.golden.batched import BatchedSteps, replay
from talos_ref.golden.generate import quantise_temperature

__all__ = ["compare", "first_difference", "made_of", "run"]

_CHUNK = 4096
"""Names at a time."""


def made_of(shard: Shard, design: Design) -> dict[str, Any]:
    """Return the digest of the compiled library; the golden model is among the sources."""
    return kernels.made_of(shard, design)


def run(shard: Shard, design: Design) -> Outcome:
    """Make every name in Python and in every kernel; TalosError if this processor lacks a kernel."""
    return compare(shard, design, kernels.load_models(shard, design))


def compare(shard: Shard, design: Design, models: Sequence[Model]) -> Outcome:
    """Compare each model's steps of single names with the golden model's, and its letters of many names at once."""
    steps = values = 0
    value = quantise_temperature(shard.temperature, design.arithmetic.sampler)
    end = shard.seed + shard.names
    for first in range(shard.seed, end, _CHUNK):
        seeds = np.arange(first, min(first + _CHUNK, end), dtype=np.int64)
        wanted = replay(design.checkpoint, design.arithmetic, seeds, value)
        rows = np.full((len(seeds), design.model.block_size), design.model.bos, dtype=np.uint8)
        rows[wanted.seed_index, wanted.pos] = wanted.token_out
        for model in models:
            said = first_difference(seeds, trace(model, seeds, shard.temperature), wanted)
            many = model.generate_many(seeds.astype(np.uint32), shard.temperature, 1)
            if said is None and not np.array_equal(many, rows):
                name = int(np.flatnonzero((many != rows).any(axis=1))[0])
                said = f"seed {seeds[name]}: letters of many at once must be {rows[name]}, not {many[name]}"
            if said is not None:
                said = f"{model.arithmetic}, kernel {model.kernel} beside Python: {said}"
                return Outcome(status=Status.DIFFERS, steps=steps, values=values, said=said)
            values += len(wanted) * (design.model.vocab_size + len(fields(BatchedSteps)) - 1) + rows.size
        steps += len(wanted)
    return Outcome(status=Status.PASSED, steps=steps, values=values)


def first_difference(seeds: Ints, found: BatchedSteps, wanted: BatchedSteps) -> str | None:
    """Return seed, step, field, actual and expected value of the first difference, or None."""
    length = min(len(found), len(wanted))
    rows: list[tuple[int, str]] = []
    for field in fields(BatchedSteps):
        got, right = getattr(found, field.name)[:length], getattr(wanted, field.name)[:length]
        if not np.array_equal(got, right):
            at = tuple(np.argwhere(got != right)[0].tolist())
            rows.append((at[0], f"{field.name}{list(at[1:]) or ''} must be {right[at]}, not {got[at]}"))
    if not rows and len(found) == len(wanted):
        return None
    row, what = min(rows, default=(length - 1, f"{len(wanted)} steps must be taken, not {len(found)}"))
    return f"seed {seeds[int(wanted.seed_index[row])]}, step {int(wanted.pos[row])}: {what}"
