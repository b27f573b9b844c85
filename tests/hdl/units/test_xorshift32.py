"""The generator's gates against the golden model."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator

from hdl.units.xorshift32 import usable_state, xorshift32
from talos_ref.golden.xorshift32 import ZERO_STATE
from talos_ref.golden.xorshift32 import xorshift32 as golden
from tests.helpers.streams import assert_equal, seed


def answers(function: Any, states: list[int]) -> list[int]:
    """Evaluate a combinational function of 32 bits."""
    m = Module()
    state, after = Signal(32), Signal(32)
    m.d.comb += after.eq(function(state))
    values: list[int] = []

    async def bench(ctx: Any) -> None:
        for value in states:
            ctx.set(state, value)
            values.append(ctx.get(after))

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    return values


def test_next_state() -> None:
    # The map is linear over GF(2): 0, the 32 single bits and sums of bits cover it.
    draw = random.Random(seed())
    states = [0, *(1 << bit for bit in range(32)), 0xFFFFFFFF, *(draw.getrandbits(32) for _ in range(2000))]
    assert_equal(answers(xorshift32, states), [golden(state) for state in states], states)


def test_usable_state() -> None:
    states = [0, 1, 2, 0x80000000, 0xFFFFFFFF]
    assert_equal(answers(usable_state, states), [ZERO_STATE, *states[1:]], states)


@pytest.mark.parametrize("function", [xorshift32, usable_state])
def test_refusal(function: Any) -> None:
    with pytest.raises(ValueError, match=r"^state must be 32 bits wide, not 31$"):
        function(Signal(31))
