"""An Avalon target and an initiator in Amaranth's simulator, both with random waits."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Target", "access"]


@dataclass
class Target:
    """Answers accesses on ``bus`` by ``read`` and ``write``, after random waits; keeps what came, in order."""

    bus: Any
    rng: random.Random
    read: Callable[[int], int]
    write: Callable[[int, int], None] = lambda address, data: None
    wait: float = 0.5
    log: list[tuple[str, int, int]] = field(default_factory=list)

    async def serve(self, ctx: Any) -> None:
        """Run for ever, as a background testbench."""
        bus = self.bus
        while True:
            ready = self.rng.random() >= self.wait
            ctx.set(bus.waitrequest, not ready)
            _, _, reading, writing, address, data, enables = await ctx.tick().sample(
                bus.read, bus.write, bus.address, bus.writedata, bus.byteenable
            )
            assert not (reading and writing), "read and write at once"
            if not ready:
                continue
            if writing:
                assert enables == 0b1111
                self.log.append(("write", address, data))
                self.write(address, data)
            elif reading:
                self.log.append(("read", address, 0))
                ctx.set(bus.waitrequest, 1)
                while self.rng.random() < self.wait:
                    await ctx.tick()
                ctx.set(bus.readdata, self.read(address))
                ctx.set(bus.readdatavalid, 1)
                await ctx.tick()
                ctx.set(bus.readdatavalid, 0)
                ctx.set(bus.readdata, self.rng.getrandbits(32))


async def access(ctx: Any, bus: Any, kind: str, address: int, data: int = 0, limit: int = 1000) -> int:
    """Do an access as an initiator and return what was read; fail if it is not answered in ``limit`` cycles."""
    request = getattr(bus, kind)
    for signal, value in ((bus.address, address), (bus.writedata, data), (bus.byteenable, 0b1111), (request, 1)):
        ctx.set(signal, value)
    for _ in range(limit):
        _, _, waits, valid, word = await ctx.tick().sample(bus.waitrequest, bus.readdatavalid, bus.readdata)
        if request is not None and not waits:
            ctx.set(request, 0)
            request = None
            if kind == "write":
                return 0
        elif request is None and valid:
            return int(word)
    raise AssertionError(f"{kind} of {address:#x} must be answered in {limit} cycles")
