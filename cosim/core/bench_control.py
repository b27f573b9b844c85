"""Bench of everything around a name: clear, reset, illegal requests, a busy core, limits, and the seed 0."""

from __future__ import annotations

import itertools
import random
from typing import Any

import cocotb

from cosim.core.cocotb_pins import bench
from cosim.core.enums import stage_name
from cosim.core.request import name_request, step_request
from cosim.core.testbench import Testbench

__all__ = [
    "abandoned", "abandoned_in_every_stage", "back_to_back", "busy", "illegal", "limits", "longest_names", "seed_zero"
]  # fmt: skip


_SHORT_LETTERS = 3


def _limit(tb: Testbench) -> int:
    """Return the letters of a name at most: all that there can be, or a few for a slow simulator."""
    longest = tb.core.model.max_letters
    return min(_SHORT_LETTERS, longest) if tb.config.short else longest


async def _abandon(tb: Testbench, how: str, cycles: int, seed: int) -> None:
    """Begin a name, end it after some cycles, and see that the cache is empty and the next name right."""
    limit = _limit(tb)
    await tb.begin(name_request(seed + 100, 0x400, limit))
    await tb.driver.idle(cycles)
    await (tb.clear() if how == "clear" else tb.reset())
    if seed % 2:
        await tb.refuse(step_request(seed, 0x80, 0, 1))
    await tb.run(name_request(seed, 0x80, limit))


@cocotb.test()
@cocotb.parametrize(how=["clear", "reset"])
async def abandoned(dut: Any, how: str) -> None:
    """``clear`` or ``rst`` in any cycle, stalled or not, leaves a core like new."""
    async with bench(dut) as tb:
        generator = random.Random(40)
        # Of a long name, so that most are abandoned while they run.
        span = (await tb.run(name_request(100, 0x400, _limit(tb)))).cycles
        times = [generator.randrange(span) for _ in range(9)]
        for seed, cycles in enumerate(times[:1] if tb.config.short else [0, 1, 2, *times], start=1):
            await _abandon(tb, how, cycles, seed)
        tb.stall(0.5 if tb.config.short else 0.05, seed=4)
        for seed in range(20, 21 if tb.config.short else 24):
            await _abandon(tb, how, generator.randrange(span), seed)


@cocotb.test()
@cocotb.parametrize(how=["clear", "reset"])
async def abandoned_in_every_stage(dut: Any, how: str) -> None:
    """The same in the first cycle of each stage of a step, which the same step before has shown."""
    async with bench(dut) as tb:
        first, second = step_request(50, 0x80, tb.core.model.bos, 0), step_request(51, 0x100, 0, 1)
        await tb.run(first)
        accepted = await tb.begin(second)
        begins: dict[str, int] = {}
        for cycle in itertools.count():
            await tb.pins.settle()
            begins.setdefault(stage_name(tb.pins.read("stage")), cycle)
            if not tb.checker.pending:
                break
            await tb.pins.cycle()
        await tb.end(second, accepted)
        del begins["IDLE"]
        for cycle in list(begins.values())[-2:] if tb.config.short else begins.values():
            await tb.run(first)
            await tb.begin(second)
            await tb.driver.idle(cycle)
            await (tb.clear() if how == "clear" else tb.reset())
            await tb.refuse(second)
            await tb.run(first)


@cocotb.test()
async def illegal(dut: Any) -> None:
    """An illegal request raises ``error``, runs nothing, leaves the cache alone, and the next one works."""
    async with bench(dut) as tb:
        model = tb.core.model
        top = 1 << (model.vocab_size - 1).bit_length()
        await tb.refuse(name_request(5, 0x80, 0))
        await tb.run(step_request(5, 0x80, model.bos, 0))
        await tb.refuse(step_request(5, 0x80, 0, 2))
        refused = [name_request(6, 0x80, 0), name_request(6, 0x80, 0, greedy=True)]
        refused += [step_request(6, 0x80, token, 1) for token in {model.vocab_size, top - 1}
                    if model.vocab_size <= token < top]
        refused += [
            step_request(6, 0x80, 0, position, greedy=position == 3) for position in (3, model.block_size - 1)
        ]  # fmt: skip
        for position, request in enumerate(refused, start=1):
            await tb.refuse(request)
            await tb.refuse(request)
            await tb.run(step_request(7, 0x80, position % model.vocab_size, 1))
        await tb.run(name_request(7, 0x80, _limit(tb)))


@cocotb.test()
async def busy(dut: Any) -> None:
    """A core that works accepts nothing; what is offered meanwhile waits, then runs."""
    async with bench(dut) as tb:
        limit = _limit(tb)
        first, second = name_request(11, 0x80, limit), name_request(12, 0x80, limit)
        accepted = await tb.begin(first)
        waiting = cocotb.start_soon(tb.driver.send(second))
        await tb.settle()
        while tb.checker.pending:
            for name, value in (("busy", 1), ("request__ready", 0), ("error", 0)):
                if (seen := tb.pins.read(name)) != str(value):
                    raise tb.checker.mismatch(first, "IDLE", name, value, seen)
            await tb.settle()
        tb.announce(second)
        later = await waiting
        if later <= accepted:
            raise tb.checker.mismatch(second, "IDLE", "acceptance", f"after cycle {accepted}", later)
        await tb.end(second, later)


@cocotb.test()
async def back_to_back(dut: Any) -> None:
    """The time of a name depends on nothing that ran before it."""
    async with bench(dut) as tb:
        request = name_request(3, 0x80, _limit(tb))
        times = set()
        for gap in (0, 1) if tb.config.short else (0, 1, 5, 0):
            counted = await tb.run(request)
            times.add((counted.step_cycles, counted.stages))
            await tb.driver.idle(gap)
        if len(times) > 1:
            raise tb.checker.mismatch(request, "IDLE", "cycles of the same name", "always the same", sorted(times))


@cocotb.test()
async def limits(dut: Any) -> None:
    """Every legal limit ends a name in time, sampled and greedy."""
    async with bench(dut) as tb:
        for limit in (1, 2) if tb.config.short else range(1, tb.core.model.max_letters + 1):
            await tb.run(name_request(limit, 0x400, limit))
            await tb.run(name_request(limit, 0x400, limit, greedy=True))


@cocotb.test()
async def longest_names(dut: Any) -> None:
    """Names that reach the letter limit without BOS."""
    async with bench(dut) as tb:
        limit, found, wanted = tb.core.model.max_letters, 0, 1 if tb.config.short else 3
        for seed in range(1, 1000):
            request = name_request(seed, 0x400, limit)
            if tb.model.respond(request)[-1].fields["token_out"] != tb.core.model.bos:
                found += (await tb.run(request)).letters == limit
            if found == wanted:
                return
        raise tb.checker.mismatch(None, "SAMPLE", "names of full length", wanted, found)


@cocotb.test()
async def seed_zero(dut: Any) -> None:
    """A random state of 0 would stay 0: hardware puts a fixed one in its place, in both modes."""
    async with bench(dut) as tb:
        await tb.run(name_request(0, 0x80, _limit(tb)))
        await tb.run(name_request(0, 0x80, 2, greedy=True))
        await tb.run(step_request(0, 0x80, tb.core.model.bos, 0))
