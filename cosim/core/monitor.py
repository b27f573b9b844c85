"""The monitor: results as they cross the port, with the logits beside them and the clock edge that took them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cocotb.triggers import FallingEdge, ReadOnly, RisingEdge

from cosim.core.checker import Transfer
from cosim.core.driver import Timebase

__all__ = ["Monitor"]


class Monitor:
    """Watches a core's results and drives nothing.

    It sleeps until a result is offered and samples in the low half of the clock, after everything has settled; it costs
    the simulation nothing in between.

    Parameters
    ----------
    dut
        The top module in the simulator.
    timebase
        Numbers the clock edges.
    on_transfer
        Called with every result that is taken.
    on_unstable
        Called with the signal's name if an offered result changes before it is taken.
    """

    def __init__(
        self,
        dut: Any,
        timebase: Timebase,
        on_transfer: Callable[[Transfer], None],
        on_unstable: Callable[[str, str, str], None],
    ) -> None:
        self._dut, self._timebase = dut, timebase
        self._on_transfer, self._on_unstable = on_transfer, on_unstable

    async def watch(self) -> None:
        """Watch for ever; to be started as a task."""
        dut = self._dut
        while True:
            await RisingEdge(dut.result__valid)
            await FallingEdge(dut.clk)
            await ReadOnly()
            offered: tuple[str, str] | None = None
            while dut.result__valid.value == 1:
                payload, logits = str(dut.result__payload.value), str(dut.logits.value)
                for name, before, now in zip(("payload", "logits"), offered or (), (payload, logits), strict=False):
                    if before != now:
                        self._on_unstable(name, before, now)
                offered = payload, logits
                if dut.result__ready.value == 1:
                    self._on_transfer(Transfer(self._timebase.next_edge(), payload, logits))
                    offered = None
                await FallingEdge(dut.clk)
                await ReadOnly()
