"""Bench of the reset: from any state, X included, one clock edge under ``rst`` makes a core whose ports are known."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import cocotb

from cosim.core.checker import Mismatch
from cosim.core.cocotb_pins import bench
from cosim.core.request import Request, name_request, step_request
from cosim.core.testbench import Testbench

__all__ = ["interrupted", "power_up"]

_ALWAYS = ("request__ready", "result__valid", "busy", "error", "stage", "counters")
_OFFERED = ("result__payload", "logits")
"""Ports that have to be known in every cycle, and those that have to be where a result is offered."""


class _Watch:
    """Looks at the ports in the low half of every cycle, and keeps the first one that is not known."""

    def __init__(self, tb: Testbench) -> None:
        self._tb = tb
        self.cycles = 0
        self.failure: Mismatch | None = None

    async def run(self) -> None:
        """Watch for ever; to be started as a task once the core has been reset."""
        pins = self._tb.pins
        while True:
            await pins.cycle()
            await pins.settle()
            offered = pins.read("result__valid") == "1"
            for name in (*_ALWAYS, *(_OFFERED if offered else ())):
                bits = pins.read(name)
                if bits.strip("01") and self.failure is None:
                    self.failure = self._tb.checker.mismatch(None, pins.read("stage"), f"port {name}", "known", bits)
            self.cycles += 1

    def check(self) -> None:
        """Raise what was found."""
        if self.failure is not None:
            raise self.failure


@asynccontextmanager
async def _watched(dut: Any) -> AsyncIterator[tuple[Testbench, _Watch]]:
    async with bench(dut, late=True) as tb:
        watch = _Watch(tb)
        tb.pins.spawn(watch.run())
        try:
            yield tb, watch
        except Mismatch:
            # The first unknown port tells more than the wrong result that it led to.
            watch.check()
            raise
        watch.check()
        if not watch.cycles:
            raise tb.checker.mismatch(None, "IDLE", "cycles watched", "at least 1", 0)


def _beyond(tb: Testbench) -> Request:
    """Return a request that only an empty cache makes illegal."""
    return step_request(1, 0x80, tb.core.model.bos, 1)


@cocotb.test()
async def power_up(dut: Any) -> None:
    """After the first reset: idle, an empty cache, no error, and the requests of the configuration come out right."""
    async with _watched(dut) as (tb, _):
        await tb.pins.settle()
        await tb.expect_idle(None, error=False)
        await tb.refuse(_beyond(tb))
        for request in tb.config.requests:
            await tb.run(request)


@cocotb.test()
async def interrupted(dut: Any) -> None:
    """A reset of one cycle at any time during a name, stalled or not, leaves a core like new."""
    async with _watched(dut) as (tb, watch):
        limit = tb.core.model.max_letters
        span = (await tb.run(name_request(1, 0x80, limit))).cycles
        generator = random.Random(int(cocotb.RANDOM_SEED))
        for number in range(3 if tb.config.short else 20):
            if number == 1:
                tb.stall(0.3, seed=5)
            await tb.begin(name_request(100 + number, 0x400, limit))
            await tb.driver.idle(generator.randrange(span))
            await tb.reset(cycles=1)
            await tb.run(name_request(number, 0x80, limit))
            watch.check()
