"""Small cores that scrub their ROMs, and the memories inside a circuit, of which a test can flip bits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from amaranth.hdl import ClockDomain, Fragment, Module, Value
from amaranth.sim import Simulator

from hdl.core.config import CoreConfig
from hdl.core.cores import core_config
from hdl.design import Design
from talos_ref.model.config import ModelConfig
from tests.helpers.core_bench import random_checkpoint
from tests.helpers.designs import design_of
from tests.helpers.streams import CLOCK_PERIOD

__all__ = ["SMALL", "Storage", "scrubbed_config", "scrubbed_design", "simulated"]

SMALL = ModelConfig(alphabet="ab", block_size=4, n_embd=4, n_head=1, mlp_dim=6)


def scrubbed_config(name: str) -> CoreConfig:
    """Return a named core of the small model with a scrubber."""
    return replace(core_config(name, SMALL), scrub=True)


@cache
def scrubbed_design(name: str) -> Design:
    """Return it with random weights."""
    return design_of(scrubbed_config(name), random_checkpoint(SMALL, 1))


@dataclass(frozen=True)
class Storage:
    """A memory inside a circuit."""

    name: str
    data: Any
    depth: int
    width: int

    def flip(self, ctx: Any, word: int, bit: int) -> None:
        """Flip a bit, in a simulation."""
        row = Value.cast(self.data[word])
        ctx.set(row, ctx.get(row) ^ 1 << bit)


def simulated(component: Any, *, written: bool = False) -> tuple[Simulator, list[Storage], Any]:
    """Return a simulator of a component, the ROMs in it or the memories that are written, and its reset."""
    top, domain = Module(), ClockDomain("sync")
    top.domains.sync = domain
    top.submodules.component = component
    fragment = Fragment.get(top, None)
    simulator = Simulator(fragment)
    simulator.add_clock(CLOCK_PERIOD)
    return simulator, [*_memories(fragment, "", written)], domain.rst


def _memories(fragment: Any, path: str, written: bool) -> Any:
    for inside, name, _ in fragment.subfragments:
        data: Any = getattr(inside, "_data", None)
        if data is None:
            yield from _memories(inside, f"{path}{name}.", written)
        elif bool(inside._write_ports) == written:
            yield Storage(f"{path}{name}", data, data.depth, len(Value.cast(data[0])))
