"""A core and its register block: all of the machine that is the same on every board."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl.build_cache import build_id
from hdl.core.core import Core
from hdl.core.timeline import longest_request
from hdl.design import Design
from hdl.registers.avalon import AvalonSignature
from hdl.registers.block import RegisterBlock
from hdl.registers.display import DisplaySignature

__all__ = ["System"]


class System(wiring.Component):
    """A core behind the registers of ``hdl.registers.map``, in the domain ``sync``; timing as ``RegisterBlock``.

    A reset of ``sync`` is that of the machine. The bus answers all the same, so that no initiator waits for ever.

    Parameters
    ----------
    design : Design
        Its clock is that of ``sync``.

    Members
    -------
    bus : In(AvalonSignature)
    enable : In(1)
    ready, busy, done, activity : Out(1)
    last_token : Out(8)
    display : Out(DisplaySignature)
        All as of ``RegisterBlock``.

    Raises what ``Core`` and ``RegisterBlock`` raise.
    """

    def __init__(self, design: Design) -> None:
        self.core = Core(design)
        # A power of two, and twice as long as any request can take, or more.
        patience = 2 << longest_request(self.core).bit_length()
        self.block = RegisterBlock(design.core, build=build_id(design), clock_hz=design.clock_hz, patience=patience)
        super().__init__(
            {
                "bus": In(AvalonSignature()),
                "enable": In(1),
                "ready": Out(1),
                "busy": Out(1),
                "done": Out(1),
                "activity": Out(1),
                "last_token": Out(8),
                "display": Out(DisplaySignature()),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.core = core = self.core
        m.submodules.registers = block = self.block
        wiring.connect(m, core, block.core)
        wiring.connect(m, wiring.flipped(self.bus), block.bus)
        wiring.connect(m, block.display, wiring.flipped(self.display))
        m.d.comb += block.enable.eq(self.enable)
        for name in ("ready", "busy", "done", "activity", "last_token"):
            m.d.comb += getattr(self, name).eq(getattr(block, name))
        return m
