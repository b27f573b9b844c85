"""Where the golden model's units clip, for names that a core has made in lock step with it.

A circuit saturates in the midst of an expression, which has no name to be watched by. Every logit that depends on it
has been compared, so that for those names golden model and circuit have clipped the same values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cosim.core.request import Request
from hdl.design import Design
from talos_ref.golden.arrays import Ints, saturate
from talos_ref.golden.batched import replay
from talos_ref.golden.format import Format

__all__ = ["Corners", "count_corners"]


@dataclass
class Corners:
    """Values that each unit brought to a format: all, and those above and below it. Counts as it saturates."""

    values: dict[str, int] = field(default_factory=dict)
    above: dict[str, int] = field(default_factory=dict)
    below: dict[str, int] = field(default_factory=dict)

    def __call__(self, unit: str, format: Format, values: Ints) -> Ints:
        """Return the values, saturated."""
        for counts, number in (
            (self.values, values.size),
            (self.above, int((values > format.high).sum())),
            (self.below, int((values < format.low).sum())),
        ):
            counts[unit] = counts.get(unit, 0) + number
        return saturate(unit, format, values)


def count_corners(design: Design, requests: Sequence[Request]) -> Corners:
    """Return what the units clip in the names of some requests, each a whole name."""
    corners = Corners()
    groups: dict[tuple[int, int, bool], list[int]] = {}
    for request in requests:
        key = (design.arithmetic.sampler.honoured(request.temperature), request.limit, bool(request.greedy))
        groups.setdefault(key, []).append(request.state)
    for (temperature, limit, greedy), seeds in groups.items():
        replay(
            design.checkpoint, design.arithmetic, seeds, temperature, limit=limit, greedy=greedy, saturate=corners
        )
    return corners
