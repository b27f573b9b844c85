"""The temperature that is drawn with: the circuit gives what the sampler's rule gives, at every temperature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator

from hdl.registers.temperature import honoured
from talos_ref.golden.arithmetic import arithmetic
from talos_ref.model.config import MICROGPT


def nothing(temperature: int) -> int:
    """Honour no temperature but one."""
    return 0x123


def capped(temperature: int) -> int:
    """Honour those up to 16."""
    return min(temperature, 0x1000)


@pytest.mark.parametrize(
    "rule",
    [
        arithmetic("talos-v2", MICROGPT).sampler.honoured,
        arithmetic("precise", MICROGPT).sampler.honoured,
        arithmetic("folded", MICROGPT).sampler.honoured,
        nothing,
        capped,
    ],
    ids=["talos-v2", "precise", "folded", "nothing", "capped"],
)
def test_every_temperature(rule: Callable[[int], int]) -> None:
    top, temperature, used = Module(), Signal(16), Signal(16)
    top.d.comb += used.eq(honoured(rule, temperature))

    async def bench(ctx: Any) -> None:
        for value in (*range(0x400), *range(0x400, 0x10000, 97), 0xFFF, 0x1000, 0x1001, 0xFFFF):
            ctx.set(temperature, value)
            assert ctx.get(used) == rule(value), f"temperature {value:#x}"

    simulator = Simulator(top)
    simulator.add_testbench(bench)
    simulator.run()
