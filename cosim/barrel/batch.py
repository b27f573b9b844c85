"""Batches of names, as test benches ask for them."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from talos_ref.golden.format import Format
from talos_ref.golden.sampler import TEMPERATURE

__all__ = ["Batch"]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The fields of ``hdl.core.barrel.interface.batch_layout``; nothing is checked: a core refuses what is illegal."""

    seed: int
    count: int
    temperature: int
    """UQ8.8; 0 is greedy."""
    limit: int
    """Letters of a name at most."""

    @property
    def seeds(self) -> list[int]:
        """The seeds of all names; 2^32 - 1 is followed by 0."""
        return [(self.seed + index) % (1 << 32) for index in range(self.count)]

    def fields(self) -> dict[str, int]:
        """Return field name -> integer, for ``Packing.pack``."""
        return asdict(self)

    def describe(self, format: Format = TEMPERATURE) -> str:
        """Return what a report of a difference says of the batch."""
        temperature = format.to_float(self.temperature)
        return f"{self.count} names of seeds from {self.seed}, temperature {temperature:g}, limit {self.limit}"
