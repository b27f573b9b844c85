"""The driver: reset, requests and back-pressure."""

from __future__ import annotations

from collections.abc import Callable

from cosim.core.payload import Packing
from cosim.core.pins import Pins
from cosim.core.request import Request
from hdl.core.config import CoreConfig
from hdl.core.interface import request_layout

__all__ = ["Driver"]


class Driver:
    """Drives every input of a core.

    Parameters
    ----------
    pins
        The core in a simulator.
    core
        Its configuration.
    """

    def __init__(self, pins: Pins, core: CoreConfig) -> None:
        self._pins = pins
        self._packing = Packing(request_layout(core.model))

    async def start(self, *, late: bool = False) -> None:
        """Set every input to its idle value, start the clock, and reset the core.

        ``late``: only after some cycles in which it does what it likes, and for one cycle.
        """
        self._pins.drive(request__valid=0, request__payload=0, result__ready=1, clear=0, rst=int(not late))
        await self._pins.start()
        await self.idle(2)
        await self.reset(1 if late else 2)

    async def idle(self, cycles: int) -> None:
        """Let some cycles pass; return in the next one."""
        for _ in range(cycles):
            await self._pins.cycle()

    async def reset(self, cycles: int = 2) -> None:
        """Hold ``rst`` for some cycles; return in the next one."""
        await self._pins.drivable()
        self._pins.drive(rst=1)
        await self.idle(cycles)
        self._pins.drive(rst=0)

    async def clear(self) -> None:
        """Hold ``clear`` for one cycle; return in the next one."""
        await self._pins.drivable()
        self._pins.drive(clear=1)
        await self.idle(1)
        self._pins.drive(clear=0)

    async def send(self, request: Request, *, clear: bool = False) -> int:
        """Offer a request until it is accepted; return the number of the accepting clock edge, in the cycle after it.

        ``clear``: with ``clear`` at that edge, for a core that is idle.
        """
        pins = self._pins
        await pins.drivable()
        pins.drive(request__payload=self._packing.pack(request.fields()), request__valid=1, clear=int(clear))
        await pins.settle()
        while pins.read("request__ready") != "1":
            await pins.cycle()
            await pins.settle()
        edge = pins.edge
        await pins.cycle()
        # The payload counts in the accepting cycle only; a core that looks again later has to fail.
        pins.drive(request__valid=0, request__payload=(1 << self._packing.width) - 1, clear=0)
        return edge

    async def stall(self, take: Callable[[], bool]) -> None:
        """Ask in every cycle whether a result that is offered is to be taken, for ever; to be started as a task."""
        while True:
            await self._pins.cycle()
            self._pins.drive(result__ready=int(take()))
