"""A core with several streams and its register block: all of the machine that is the same on every board."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import wiring

from hdl.build_cache import build_id
from hdl.core.barrel.barrel import Barrel
from hdl.core.barrel.pace import longest_wait
from hdl.design import Design
from hdl.registers.batch_block import BatchBlock
from hdl.registers.display import DigestSignature
from hdl.registers.machine import connect_machine, machine_ports

__all__ = ["BatchSystem"]


class BatchSystem(wiring.Component):
    """A core behind the registers of ``hdl.registers.batch_map``, in the domain ``sync``, without a test bench's tap.

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
    display : Out(DigestSignature)
        All as of ``BatchBlock``.

    Raises what ``Barrel`` and ``BatchBlock`` raise.
    """

    def __init__(self, design: Design) -> None:
        self.core = Barrel(design, tap=False)
        # A power of two, and twice as long as any result can take, or more.
        patience = 2 << longest_wait(design.core).bit_length()
        self.block = BatchBlock(design.core, build=build_id(design), clock_hz=design.clock_hz, patience=patience)
        super().__init__(machine_ports(DigestSignature()))

    def elaborate(self, platform: Any) -> Module:
        return connect_machine(self, self.core, self.block)
