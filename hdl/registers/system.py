"""A core and its register block: all of the machine that is the same on every board."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import wiring

from hdl.build_cache import build_id
from hdl.core.core import Core
from hdl.core.timeline import longest_request
from hdl.design import Design
from hdl.registers.block import RegisterBlock
from hdl.registers.display import DisplaySignature
from hdl.registers.machine import connect_machine, machine_ports

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
        super().__init__(machine_ports(DisplaySignature()))

    def elaborate(self, platform: Any) -> Module:
        return connect_machine(self, self.core, self.block)
