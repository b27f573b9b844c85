"""The board's reset, and its switches."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import AsyncFFSynchronizer, FFSynchronizer
from amaranth.lib.wiring import In, Out

__all__ = ["BoardReset"]


class BoardReset(wiring.Component):
    """Makes the reset of the ``sync`` domain, and brings the switches into it.

    Members
    -------
    locked : In(1)
        Whether the clock can be used; asynchronous.
    reset_switch, enable_switch : In(1)
        Asynchronous.
    reset : Out(1)
        A register that is 1 from configuration on, while there is no lock, and under the switch, which it follows three
        to four cycles later.
    restart : Out(1)
        1 from the loss of the lock to some cycles after its return; not under the switch.
    enable : Out(1)
        ``enable_switch``, two to three cycles later.
    """

    STAGES = 2

    def __init__(self) -> None:
        inputs: dict[str, Any] = {name: In(1) for name in ("locked", "reset_switch", "enable_switch")}
        super().__init__({**inputs, "reset": Out(1), "restart": Out(1), "enable": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        switched = Signal(name="switched")
        reset = Signal(init=1, reset_less=True, name="reset")
        stages = self.STAGES
        m.submodules.lock = AsyncFFSynchronizer(~self.locked, self.restart, o_domain="sync", stages=stages)
        m.submodules.reset_switch = FFSynchronizer(self.reset_switch, switched, stages=stages)
        m.submodules.enable_switch = FFSynchronizer(self.enable_switch, self.enable, stages=stages)
        m.d.comb += self.reset.eq(reset)
        m.d.sync += reset.eq(self.restart | switched)
        return m
