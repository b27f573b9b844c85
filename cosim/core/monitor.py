"""The monitor: results as they cross the port, with the logits beside them and the clock edge that took them."""

from __future__ import annotations

from collections.abc import Callable

from cosim.core.checker import Transfer
from cosim.core.pins import Pins

__all__ = ["Monitor"]


class Monitor:
    """Watches a core's results and drives nothing; it sleeps until a result is offered.

    Parameters
    ----------
    pins
        The core in a simulator.
    on_transfer
        Called with every result that is taken.
    on_unstable
        Called with the signal's name if an offered result changes before it is taken.
    """

    def __init__(
        self, pins: Pins, on_transfer: Callable[[Transfer], None], on_unstable: Callable[[str, str, str], None]
    ) -> None:
        self._pins = pins
        self._on_transfer, self._on_unstable = on_transfer, on_unstable

    async def watch(self) -> None:
        """Watch for ever; to be started as a task."""
        pins = self._pins
        while True:
            await pins.rises("result__valid")
            offered: tuple[str, str] | None = None
            while pins.read("result__valid") == "1":
                payload, logits = pins.read("result__payload"), pins.read("logits")
                for name, before, now in zip(("payload", "logits"), offered or (), (payload, logits), strict=False):
                    if before != now:
                        self._on_unstable(name, before, now)
                offered = payload, logits
                if pins.read("result__ready") == "1":
                    self._on_transfer(Transfer(pins.edge, payload, logits))
                    offered = None
                await pins.cycle()
                await pins.settle()
