"""All inputs of a circuit, one by one, beside what the golden model makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from amaranth.hdl import Module, Signal, Value
from amaranth.sim import Simulator

__all__ = ["compare"]


def compare(
    shapes: Sequence[Any], build: Callable[..., Any], cases: Iterable[Sequence[int]], golden: Callable[..., int]
) -> list[str]:
    """Return a line for the first case, if any, in which ``build(m, *inputs)`` is not ``golden(*case)``."""
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
                return

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    return found

