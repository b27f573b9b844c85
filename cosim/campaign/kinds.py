"""The kinds of shards: a name, what it checks, and the module that does it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, Protocol, cast

from cosim.campaign.shard import Outcome, Shard
from hdl.design import Design

__all__ = ["KINDS", "Check", "Kind"]


class Check(Protocol):
    """What the module of a kind has."""

    def made_of(self, shard: Shard, design: Design) -> dict[str, Any]:
        """Return, ready for JSON, what beside shard and sources the result depends on."""

    def run(self, shard: Shard, design: Design) -> Outcome:
        """Do the shard; SimulatorError or TalosError if a tool fails."""


@dataclass(frozen=True)
class Kind:
    """One kind of check."""

    about: str
    """What is held against what, for reports."""
    module: str

    def load(self) -> Check:
        """Return the module; late, so that whoever lists the kinds needs neither simulator nor C library."""
        return cast(Check, importlib.import_module(self.module))


KINDS = {
    "lockstep": Kind("a core in a simulator beside the golden model, every output", "cosim.campaign.lockstep"),
    "kernels": Kind("the C library's kernels beside one another, by digest", "cosim.campaign.kernels"),
    "golden": Kind("the C library's kernels beside the golden model, every logit", "cosim.campaign.golden"),
}
"""Name -> kind."""
