"""Clock domain and reset of the board."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Module, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import AsyncFFSynchronizer, FFSynchronizer
from amaranth.lib.wiring import In, Out

__all__ = ["ClockReset"]


class ClockReset(wiring.Component):
    """Makes the ``sync`` domain, and brings the switches into it.

    The domain's reset is a register: 1 from configuration on, while the PLL has no lock, and while ``reset_switch`` is
    1; it follows the switch three to four cycles later.

    Members
    -------
    clock : In(1)
    locked : In(1)
        Whether the clock can be used; asynchronous.
    reset_switch, enable_switch : In(1)
        Asynchronous.
    restart : Out(1)
        1 from the loss of the lock to some cycles after its return; not under the switch.
    enable : Out(1)
        ``enable_switch``, two to three cycles later.
    """

    STAGES = 2

    def __init__(self) -> None:
        inputs: dict[str, Any] = {name: In(1) for name in ("clock", "locked", "reset_switch", "enable_switch")}
        super().__init__({**inputs, "restart": Out(1), "enable": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.domains.sync = ClockDomain("sync")
        switched, reset = Signal(), Signal(init=1, reset_less=True)
        stages = self.STAGES
        m.submodules.lock = AsyncFFSynchronizer(~self.locked, self.restart, o_domain="sync", stages=stages)
        m.submodules.reset_switch = FFSynchronizer(self.reset_switch, switched, stages=stages)
        m.submodules.enable_switch = FFSynchronizer(self.enable_switch, self.enable, stages=stages)
        m.d.comb += [ClockSignal().eq(self.clock), ResetSignal().eq(reset)]
        m.d.sync += reset.eq(self.restart | switched)
        return m
