"""Batches of names on a machine with several streams, and what it counted of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from cosim.host.errors import BoardError, BoardTimeout
from cosim.host.machine import check_roms
from cosim.host.transport import Transport
from hdl.registers.map import RegisterMap

__all__ = ["Batch", "BatchRun", "run_batch"]

_POLL_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Names of the seeds from ``seed`` on."""

    seed: int
    count: int
    temperature: int
    """UQ8.8; 0 is greedy."""
    limit: int
    """Letters of a name at most."""

    def part(self, first: int, count: int) -> Batch:
        """Return ``count`` names of it from the one number ``first`` on."""
        return replace(self, seed=self.seed + first, count=count)

    def describe(self) -> str:
        """Return what a message says of it."""
        if self.count == 1:
            return f"the name of seed {self.seed}"
        return f"the {self.count:,} names of seeds {self.seed} to {self.seed + self.count - 1}"


@dataclass(frozen=True, kw_only=True)
class BatchRun:
    """What the machine has counted of a batch, all streams together."""

    cycles: int
    steps: int
    letters: int
    digest: int


def run_batch(
    bus: Transport,
    registers: RegisterMap,
    batch: Batch,
    *,
    seconds: float,
    on_names: Callable[[int], None] = lambda names: None,
) -> BatchRun:
    """Run a batch, whatever ran before it, and return its counters.

    Parameters
    ----------
    registers
        The map of the design.
    seconds
        Wall time that may pass without another name.
    on_names
        Told how many names have ended, from time to time.

    Raises
    ------
    BoardError
        If the machine reports an error, or says that another number of names is left than can be.
    BoardTimeout
        If no name ends in time.
    """
    register = registers.register
    config, control = register("config"), register("control")
    bus.write(config.address, config.encode(limit=batch.limit, temperature=batch.temperature))
    bus.write(register("seed").address, batch.seed)
    bus.write(register("count").address, batch.count)
    bus.write(control.address, control.encode(clear=1, start=1))
    for left in _poll(bus, registers, batch.describe(), seconds):
        if left > batch.count:
            raise BoardError(f"of {batch.count:,} names at most as many must be left on the board, not {left:,}")
        on_names(batch.count - left)
        if left:
            bus.wait(_POLL_SECONDS)
    counted = []
    for name in ("cycles", "step_count", "letter_count"):
        low, high = bus.read_words(register(name).address, 2)
        counted.append(high << 32 | low)
    cycles, steps, letters = counted
    return BatchRun(cycles=cycles, steps=steps, letters=letters, digest=bus.read(register("digest").address))


def _poll(bus: Transport, registers: RegisterMap, what: str, seconds: float) -> Iterator[int]:
    """Yield how many names are left, each time they are read, until none runs; 0 last."""
    status, before, until = registers.register("status"), -1, time.monotonic() + seconds
    while True:
        found = status.decode(bus.read(status.address))
        check_roms(found)
        if found["error"]:
            error = registers.register("error")
            causes = [name for name, bit in error.decode(bus.read(error.address)).items() if bit]
            told = ", ".join(causes).replace("_", " ") or "no cause given"
            raise BoardError(f"the board did not make {what}: {told}")
        if not found["busy"]:
            break
        left = bus.read(registers.register("left").address)
        if left != before:
            before, until = left, time.monotonic() + seconds
        elif time.monotonic() > until:
            raise BoardTimeout(f"of {what} another one must end within {seconds:g} s, and none has: {left:,} are left")
        yield left
    if not found["done"]:
        raise BoardError(f"the board did not begin with {what}: it says that nothing was started")
    yield 0
