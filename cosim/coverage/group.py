"""Groups of points: what a circuit can be seen doing, as expressions over its signals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["Group", "choose"]


@dataclass(frozen=True, kw_only=True)
class Group:
    """Points of one kind. A point may have several places; it is reached if one of them is."""

    name: str
    when: str
    """Verilog: whether a cycle is looked at, at its rising edge."""
    index: str
    """Verilog: which place it is, an unsigned integer."""
    places: Mapping[int, str]
    """Place -> name of its point. What is seen elsewhere is not counted."""
    unreachable: Mapping[str, str] = field(default_factory=dict)
    """Point -> why the circuit cannot come there."""
    declare: str = ""
    """Verilog that the expressions need before them."""

    def __post_init__(self) -> None:
        if not self.places or min(self.places) < 0:
            raise ValueError(f"places of {self.name} must be numbers from 0 on, not {list(self.places)[:3]}")
        for point in self.unreachable:
            if point not in self.points:
                raise ValueError(f"unreachable must be a point of {self.name}, not {point!r}")

    @property
    def points(self) -> tuple[str, ...]:
        """Names of the points, each once."""
        return tuple(dict.fromkeys(self.places.values()))

    @property
    def size(self) -> int:
        """Number that is above every place."""
        return max(self.places) + 1


def choose(conditions: Sequence[str]) -> str:
    """Return Verilog for the number of the first condition that holds; that of conditions if none does."""
    text = str(len(conditions))
    for number, condition in reversed(list(enumerate(conditions))):
        text = f"(({condition}) ? {number} : {text})"
    return text
