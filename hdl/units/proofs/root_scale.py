"""RMSNorm's scale in talos-v2: every mean square, beside the golden model."""

from __future__ import annotations

from hdl.exhaustive import compare_stream
from hdl.proof import Exhaustive, Planted, Property
from hdl.units.root_scale import RootScale
from talos_ref.golden.format import Q4_12
from talos_ref.golden.rmsnorm import RootRmsNorm

__all__ = ["PROPERTIES"]

_SPEC = RootRmsNorm(n=16, word=Q4_12)


def _differences() -> list[str]:
    return compare_stream(RootScale(_SPEC, 3), range(1, _SPEC.max_mean_square + 1), _SPEC.scale_of_mean)


PROPERTIES = (
    Property(
        name="root_scale.scale",
        statement="The scale of every mean square that sixteen words can have is the golden model's.",
        claim=Exhaustive(cases=_SPEC.max_mean_square, differences=_differences),
        planted=Planted(
            module="hdl.units.root_scale",
            right="root <= 1 << (2 * fraction - self.spec.scale_format.width)",
            wrong="root < 1 << (2 * fraction - self.spec.scale_format.width)",
        ),
    ),
)
