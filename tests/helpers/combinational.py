"""Combinational builders in Amaranth's simulator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from amaranth.hdl import Module, Signal, Value
from amaranth.sim import Simulator

__all__ = ["evaluate_all"]


def evaluate_all(
    shapes: Sequence[Any], build: Callable[..., Any], cases: Sequence[tuple[int, ...]], lanes: int = 1
) -> list[int]:
    """Return the value of ``build(m, *inputs)`` for every case; ``lanes`` copies of the circuit share the work."""
    m = Module()
    inputs = [[Signal(shape, name=f"input_{lane}_{k}") for k, shape in enumerate(shapes)] for lane in range(lanes)]
    outputs = []
    for lane in range(lanes):
        value = Value.cast(build(m, *inputs[lane]))
        outputs.append(Signal(value.shape(), name=f"output_{lane}"))
        m.d.comb += outputs[lane].eq(value)
    values: list[int] = []

    async def bench(ctx: Any) -> None:
        for first in range(0, len(cases), lanes):
            for signals, case in zip(inputs, cases[first : first + lanes], strict=False):
                for signal, word in zip(signals, case, strict=True):
                    ctx.set(signal, word)
            values.extend(ctx.get(output) for output in outputs[: len(cases) - first])

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    return values
