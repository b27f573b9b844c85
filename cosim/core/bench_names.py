"""Bench: the requests of the configuration, one after another, in lock step with the golden model."""

from __future__ import annotations

from typing import Any

import cocotb

from cosim.core.bench_config import PROGRESS
from cosim.core.cocotb_pins import lock_step
from cosim.core.lock_step import LockStep

__all__ = ["names", "play_all"]

_PREPARED = 10_000
"""Requests whose answers are made at once."""
_TURNS = 25
"""In which requests are played, so that there is progress to be seen, where they are not too large for that."""
_LONGEST = 1000
"""Requests of a turn at most: what the recorder writes of them stays in memory."""


@cocotb.test()
async def names(dut: Any) -> None:
    """Compare every step of every request."""
    async with lock_step(dut) as bench:
        await play_all(bench)


async def play_all(bench: LockStep) -> None:
    """Play the requests of the configuration, and print how many are done."""
    requests = bench.config.requests
    total = len(requests)
    turn = min(_LONGEST, -(-total // _TURNS))
    for begin in range(0, total, _PREPARED):
        prepared = requests[begin : begin + _PREPARED]
        answers = bench.model.answers(prepared)
        for first in range(0, len(prepared), turn):
            end = min(first + turn, len(prepared))
            await bench.play(prepared[first:end], answers.part(first, end))
            print(f"{PROGRESS}{begin + end} {total}", flush=True)
