"""The order in which the hidden units of the last layer are computed: the busiest first."""

from __future__ import annotations

from talos_ref.golden.arithmetic import Arithmetic
from talos_ref.golden.generate import steps
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.model.checkpoint import Checkpoint

__all__ = ["hidden_order"]

_FIRST_SEED, _NAMES, _TEMPERATURE = 1_000_001, 100, 0x80


class _Observed(IntegerModel):
    """Counts how often each hidden unit of the last layer is not 0."""

    def __init__(self, checkpoint: Checkpoint, arithmetic: Arithmetic) -> None:
        super().__init__(checkpoint, arithmetic)
        self.counts = [0] * self.config.mlp_dim

    def hidden(self, x: list[int], layer: int) -> list[int]:
        units = super().hidden(x, layer)
        if layer == self.config.n_layer - 1:
            self.counts = [count + (unit > 0) for count, unit in zip(self.counts, units, strict=True)]
        return units


def hidden_order(checkpoint: Checkpoint, arithmetic: Arithmetic) -> list[int]:
    """Return the hidden units of the last layer, those first that are most often not 0 in 100 names at temperature 0.5.

    An arithmetic that skips no hidden unit keeps them in their own order.

    A sum does not depend on the order of its terms, so that a core may take the units in any; in this one, most of
    those that the sparse tile has to take are there before fc1 has ended. The seeds are none that throughput is
    measured with.
    """
    if not arithmetic.deferred:
        return list(range(checkpoint.config.mlp_dim))
    model = _Observed(checkpoint, arithmetic)
    for seed in range(_FIRST_SEED, _FIRST_SEED + _NAMES):
        for _ in steps(model, seed=seed, temperature=_TEMPERATURE):
            pass
    return sorted(range(len(model.counts)), key=lambda unit: -model.counts[unit])
