"""What every core behind registers has towards a board, and how core, registers and board are connected."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Member, Out, Signature

from hdl.registers.avalon import AvalonSignature

__all__ = ["connect_machine", "machine_ports"]

_LIGHTS = {"ready": 1, "busy": 1, "done": 1, "activity": 1, "last_token": 8}
"""Name -> width of what a board shows."""


def machine_ports(display: Signature, **others: Member) -> dict[str, Member]:
    """Return the members towards a board: bus, ``enable``, lights, a display of the given kind; and the ``others``."""
    lights = {name: Out(width) for name, width in _LIGHTS.items()}
    return {"bus": In(AvalonSignature()), **others, "enable": In(1), **lights, "display": Out(display)}


def connect_machine(machine: Any, core: wiring.Component, block: Any) -> Module:
    """Return a module with a core and its register block, whose ports towards a board are those of ``machine``."""
    m = Module()
    m.submodules.core, m.submodules.registers = core, block
    wiring.connect(m, core, block.core)
    wiring.connect(m, wiring.flipped(machine.bus), block.bus)
    wiring.connect(m, block.display, wiring.flipped(machine.display))
    m.d.comb += block.enable.eq(machine.enable)
    for name in _LIGHTS:
        m.d.comb += getattr(machine, name).eq(getattr(block, name))
    return m
