"""How long a barrel can be at work without a result, from its configuration alone."""

from __future__ import annotations

from hdl.core.barrel.jobs import blocks_of
from hdl.core.config import CoreConfig

__all__ = ["longest_wait"]

_PIPELINES = 64
"""Cycles of a step beside those in which a unit is its own: latencies of all units and queues, some 40."""


def longest_wait(config: CoreConfig) -> int:
    """Return a number of cycles in which a stream that is at work has a result, whatever the others do.

    As many as the steps of all streams take one after another, each at the last position, in one unit after another,
    and with no hidden unit that is 0.
    """
    model = config.model
    attention = 2 * model.block_size + 3
    head = model.mlp_dim + 4
    draw = -(-model.vocab_size // config.sampler_lanes)
    return config.streams * (attention + sum(blocks_of(config).values()) + head + draw + _PIPELINES)
