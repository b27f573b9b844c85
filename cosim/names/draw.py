"""Names of the golden model."""

from __future__ import annotations

from hdl.design import Design
from talos_ref.golden.batched import replay
from talos_ref.golden.generate import quantise_temperature

__all__ = ["draw"]


def draw(design: Design, count: int, temperature: float) -> list[str]:
    """Return the names of seeds 1 to ``count``; ValueError for a temperature that the design's sampler has not."""
    value = quantise_temperature(temperature, design.arithmetic.sampler)
    model = design.model
    steps = replay(design.checkpoint, design.arithmetic, range(1, count + 1), value, model.max_letters, False)
    return [model.decode(tokens) for tokens in steps.letters(model)]
