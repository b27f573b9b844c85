"""All inputs of a circuit, one by one, beside what the golden model makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import wiring
from amaranth.sim import Simulator

__all__ = ["compare", "compare_stream"]

_ENOUGH = 5
"""Differences after which no more are looked for."""


def compare(
    shapes: Sequence[Any], build: Callable[..., Any], cases: Iterable[Sequence[int]], golden: Callable[..., int]
) -> list[str]:
    """Return a line for each case in which a combinational ``build(m, *inputs)`` is not ``golden(*case)``."""
    m = Module()
    inputs = [Signal(shape, name=f"input{number}") for number, shape in enumerate(shapes)]
    value = Value.cast(build(m, *inputs))
    output = Signal(value.shape(), name="output")
    m.d.comb += output.eq(value)
    found: list[str] = []

    async def bench(ctx: Any) -> None:
        for case in cases:
            for signal, word in zip(inputs, case, strict=True):
                ctx.set(signal, word)
            if (got := ctx.get(output)) != (right := golden(*case)):
                found.append(f"{tuple(case)} gives {got}, not {right}")
                if len(found) == _ENOUGH:
                    return

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    return found


def compare_stream(unit: wiring.Component, cases: Iterable[int], golden: Callable[[int], int]) -> list[str]:
    """Return a line for each word of a stream ``i`` whose answer on the stream ``o`` is not ``golden(word)``."""
    ports: Any = unit
    found: list[str] = []

    async def bench(ctx: Any) -> None:
        ctx.set(ports.o.ready, 1)
        ctx.set(ports.i.valid, 1)
        for case in cases:
            ctx.set(ports.i.payload, case)
            *_, got = await ctx.tick().sample(ports.o.payload).until(ports.o.valid)
            if got != (right := golden(case)):
                found.append(f"{case} gives {got}, not {right}")
                if len(found) == _ENOUGH:
                    return

    simulator = Simulator(unit)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return found
