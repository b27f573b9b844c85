"""The register bench of ``cosim.registers`` in Amaranth's simulator: its pins, and runs of a bench."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from amaranth.hdl import ClockDomain, Module
from amaranth.sim import Simulator

from cosim.core.model import GoldenModel
from cosim.registers.host import DISPLAY, OUTPUTS, RegisterHost
from cosim.registers.initiator import INPUTS
from cosim.registers.model import RegisterModel
from hdl.build_cache import build_id
from hdl.core.config import CoreConfig
from hdl.design import Design
from hdl.registers.block import RegisterBlock
from hdl.registers.system import System
from tests.helpers.scripted_core import ScriptedCore, ScriptedPorts
from tests.helpers.streams import CLOCK_PERIOD

__all__ = ["BUILD", "drive", "drive_system"]

BUILD = 0x89ABCDEF

Bench = Callable[[RegisterHost], Any]
Change = Callable[[dict[str, int]], dict[str, int]]
"""Takes the outputs of a cycle, and returns what the host is to see."""


def _nothing(seen: dict[str, int]) -> dict[str, int]:
    return seen


class _Pins:
    """The outside of a block or a system; see ``cosim.registers.initiator.Pins``."""

    def __init__(self, ctx: Any, block: Any, reset: Any, change: Change) -> None:
        self._ctx, self._change = ctx, change
        owners = dict.fromkeys(DISPLAY, block.display)
        owners |= dict.fromkeys(("enable", "ready", "busy", "done", "activity", "last_token"), block)
        names = [name for name in (*INPUTS, *OUTPUTS) if name != "rst"]
        self._signals = {"rst": reset, **{name: getattr(owners.get(name, block.bus), name) for name in names}}

    async def exchange(self, inputs: dict[str, int]) -> dict[str, int]:
        for name in INPUTS:
            self._ctx.set(self._signals[name], inputs[name])
        seen = {name: self._ctx.get(self._signals[name]) for name in OUTPUTS}
        await self._ctx.tick()
        return self._change(seen)


def drive(
    config: CoreConfig, seed: int, bench: Bench, *, longest_step: int = 12, change: Change = _nothing
) -> RegisterModel:
    """Run a bench on a block over a scripted core; return the model with what it found.

    A step takes 1 to ``longest_step`` cycles.
    """
    block = RegisterBlock(config, build=BUILD)
    model = RegisterModel(config, ScriptedCore(config, seed), build=BUILD, clock_hz=block.clock_hz)
    inside = ScriptedPorts(block.core, ScriptedCore(config, seed), random.Random(seed), longest_step)
    _simulate(block, model, bench, change, inside.serve)
    return model


def drive_system(design: Design, bench: Bench) -> RegisterModel:
    """Run a bench on a system; return the model, whose core is the golden one."""
    model = RegisterModel(design.core, GoldenModel(design), build=build_id(design), clock_hz=design.clock_hz)
    _simulate(System(design), model, bench, _nothing)
    return model


def _simulate(component: Any, model: RegisterModel, bench: Bench, change: Change, *cores: Any) -> None:
    top, domain = Module(), ClockDomain("sync")
    top.domains.sync = domain
    top.submodules.component = component
    simulator = Simulator(top)
    simulator.add_clock(CLOCK_PERIOD)

    async def outside(ctx: Any) -> None:
        await bench(RegisterHost(_Pins(ctx, component, domain.rst, change), model))

    simulator.add_testbench(outside)
    for core in cores:
        simulator.add_testbench(core, background=True)
    simulator.run()
