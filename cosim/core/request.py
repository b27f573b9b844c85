"""Requests to a core, as test benches make them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from cosim.core.enums import MODES
from talos_ref.golden.format import Format
from talos_ref.golden.sampler import TEMPERATURE
from talos_ref.golden.xorshift32 import ZERO_STATE

__all__ = ["Request", "name_request", "step_request"]


@dataclass(frozen=True, kw_only=True)
class Request:
    """The fields of ``hdl.core.interface.request_layout``; nothing is checked: a core refuses what is illegal."""

    mode: int
    seed: int
    temperature: int
    """UQ8.8"""
    greedy: int = 0
    limit: int = 0
    token: int = 0
    position: int = 0

    @property
    def state(self) -> int:
        """The random state that the core starts from."""
        return self.seed or ZERO_STATE

    def fields(self) -> dict[str, int]:
        """Return field name -> integer, for ``Packing.pack``."""
        return asdict(self)

    def describe(self, format: Format = TEMPERATURE) -> str:
        """Return what a report of a difference says of the request."""
        draw = "greedy" if self.greedy else f"temperature {format.to_float(self.temperature):g}"
        if self.mode == MODES["NAME"]:
            return f"name of seed {self.seed}, {draw}, limit {self.limit}"
        return f"direct step of seed {self.seed}, {draw}, token {self.token} at position {self.position}"

    @staticmethod
    def from_json(fields: dict[str, Any]) -> Request:
        """Return the request that ``fields()`` was taken from."""
        return Request(**fields)


def name_request(seed: int, temperature: int, limit: int, *, greedy: bool = False) -> Request:
    """Return a request for a whole name; ``temperature`` in UQ8.8."""
    return Request(mode=MODES["NAME"], seed=seed, temperature=temperature, greedy=int(greedy), limit=limit)


def step_request(seed: int, temperature: int, token: int, position: int, *, greedy: bool = False) -> Request:
    """Return a request for one step in direct mode; ``temperature`` in UQ8.8."""
    return Request(
        mode=MODES["STEP"],
        seed=seed,
        temperature=temperature,
        greedy=int(greedy),
        token=token,
        position=position,
    )
