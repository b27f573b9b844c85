# amaranth: UnusedElaboratable=no
"""Unsigned products, in every width that matters, and in every core."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module, Signal, signed, unsigned
from amaranth.sim import Simulator

from hdl.core.config import CORES
from hdl.core.core import Core
from hdl.units.products import fits_multiplier, unsigned_product
from tests.helpers.designs import published


@pytest.mark.parametrize(
    ("widths", "count"), [((24, 32), 2), ((32, 17), 2), ((26, 26), 1), ((27, 3), 2), ((18, 18), 16), ((1, 60), 4)]
)
def test_product(widths: tuple[int, int], count: int) -> None:
    """The product in all bits, of the corners and at random, in as many pieces as it takes."""
    seed = 17
    generator = random.Random(seed)
    a, b = Signal(widths[0]), Signal(widths[1])
    m = Module()
    product = unsigned_product(m, a, b)
    assert product.shape() == unsigned(sum(widths))
    assert count == _products(rtlil.convert(m, ports=[a, b, product]))
    corners = [[0, 1, 1 << (width - 1), (1 << width) - 1] for width in widths]
    cases = [(x, y) for x in corners[0] for y in corners[1]]
    cases += [(generator.getrandbits(widths[0]), generator.getrandbits(widths[1])) for _ in range(200)]

    async def bench(ctx: Any) -> None:
        for x, y in cases:
            ctx.set(a, x)
            ctx.set(b, y)
            assert ctx.get(product) == x * y, (seed, x, y)

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()


def test_signed_operands_are_refused() -> None:
    with pytest.raises(TypeError, match=r"^operands must be unsigned, not signed\(4\)$"):
        unsigned_product(Module(), Signal(3), Signal(signed(4)))


def _products(text: str) -> int:
    """Return how many multiplications there are; each unsigned one has to fit a multiplier."""
    cells = re.findall(r"^ *cell \$mul .*?^ *end$", text, re.M | re.S)
    for cell in cells:
        field = dict(re.findall(r"parameter (?:signed )?\\(\w+) (?:1'|32')?(\d+)", cell))
        if not int(field["A_SIGNED"]):
            assert fits_multiplier(max(int(field["A_WIDTH"]), int(field["B_WIDTH"]))), cell
    return len(cells)


@pytest.mark.parametrize("core", CORES)
def test_every_core_fits_its_multipliers(core: str) -> None:
    """No core has an unsigned product that Yosys would map wrong."""
    assert _products(rtlil.convert(Core(published(core)), emit_src=False)) > 50
