"""The order in which the hidden units of the last layer are computed: the busiest first."""

from __future__ import annotations

import numpy as np

from talos_ref.golden.arithmetic import Arithmetic
from talos_ref.golden.arrays import Ints, saturate
from talos_ref.golden.batched import replay
from talos_ref.golden.format import Format
from talos_ref.model.checkpoint import Checkpoint

__all__ = ["hidden_order"]

_FIRST_SEED, _NAMES, _TEMPERATURE = 1_000_001, 100, 0x80


def hidden_order(checkpoint: Checkpoint, arithmetic: Arithmetic) -> list[int]:
    """Return the hidden units of the last layer, those first that are most often not 0 in 100 names at temperature 0.5.

    An arithmetic that skips no hidden unit keeps them in their own order.

    A sum does not depend on the order of its terms, so that a core may take the units in any; in this one, most of
    those that the sparse tile has to take are there before fc1 has ended. The seeds are none that throughput is
    measured with.
    """
    if not arithmetic.deferred:
        return list(range(checkpoint.config.mlp_dim))
    config = checkpoint.config
    last = f"layer{config.n_layer - 1}.hidden"
    counts: Ints = np.zeros(config.mlp_dim, dtype=np.int64)

    def count(unit: str, format: Format, values: Ints) -> Ints:
        if unit == last:
            counts[:] += (values > 0).sum(axis=0)
        return saturate(unit, format, values)

    replay(checkpoint, arithmetic, range(_FIRST_SEED, _FIRST_SEED + _NAMES), _TEMPERATURE, saturate=count)
    return sorted(range(config.mlp_dim), key=lambda unit: -int(counts[unit]))
