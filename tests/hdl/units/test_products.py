# amaranth: UnusedElaboratable=no
"""Wide unsigned products from halves, and that no core multiplies outside its DSP blocks."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module, Signal, unsigned

from hdl.core.config import CORES
from hdl.core.estimate import estimate
from hdl.device.cyclone_v_target import CYCLONE_V
from hdl.device.target import DevicePlatform
from hdl.registers.system import System
from hdl.units.multipliers import bank_of, share
from hdl.units.products import WideProduct
from tests.helpers.designs import published
from tests.helpers.streams import run, seed


@pytest.mark.parametrize(
    ("widths", "count"),
    [
        ((24, 32), 4), ((32, 17), 2), ((17, 24), 2), ((24, 22), 4), ((17, 17), 1), ((34, 18), 4), ((34, 34), 4),
        ((1, 2), 1),
    ],
)  # fmt: skip
def test_product(widths: tuple[int, int], count: int) -> None:
    """The product in all bits, of the corners and at random, in as many pieces as it takes."""
    generator = random.Random(seed())
    spec = WideProduct(*widths)
    a, b = Signal(widths[0]), Signal(widths[1])
    m = Module()
    port = spec.port().create()
    assert (port.signature.rows, port.signature.columns) == (count, 1)
    m.submodules.bank = bank = bank_of([port])
    share(m, bank, [port])
    spec.drive(m, port, a, b)
    product = spec.product(m, port)
    assert product.shape() == unsigned(sum(widths))
    corners = [[0, 1, 1 << (width - 1), (1 << width) - 1] for width in widths]
    cases = [(x, y) for x in corners[0] for y in corners[1]]
    cases += [(generator.getrandbits(widths[0]), generator.getrandbits(widths[1])) for _ in range(100)]

    async def bench(ctx: Any) -> None:
        for x, y in cases:
            ctx.set(a, x)
            ctx.set(b, y)
            await ctx.tick()
            assert ctx.get(product) == x * y, (x, y)

    run(m, bench)


@pytest.mark.parametrize(("widths", "name", "value"), [((35, 3), "a_width", 35), ((3, 0), "b_width", 0)])
def test_widths_that_no_halves_have(widths: tuple[int, int], name: str, value: int) -> None:
    with pytest.raises(ValueError, match=rf"^{name} must be 1 to 34, not {value}$"):
        WideProduct(*widths)


@pytest.mark.parametrize("core", CORES)
def test_every_product_is_a_block(core: str) -> None:
    """A core behind its registers has as many cells as its configuration says, and multiplies nowhere else."""
    design = published(core)
    text = rtlil.convert(System(design), platform=DevicePlatform(CYCLONE_V), emit_src=False)
    assert text.count(r"cell \cyclonev_mac ") == estimate(design.core).dsp_blocks
    assert "cell $mul" not in text
