"""Requantisation with a scale against ``talos_ref.golden.linear.ScaledLinear``."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.hdl import Shape, signed

from hdl.units.scaled_linear import ScaledLinear
from talos_ref.golden.arithmetic import precise
from talos_ref.golden.format import Q4_12, Q5_12, Q6_12, Format
from talos_ref.golden.linear import ScaledLinear as ScaledLinearSpec
from talos_ref.model.config import MICROGPT
from tests.helpers.banks import with_bank
from tests.helpers.streams import run, seed

Case = tuple[list[int], int, list[int]]


def spec_of(word: Format) -> ScaledLinearSpec:
    spec = precise(MICROGPT, word).scaled_linear
    assert spec is not None
    return spec


def sum_near(draw: random.Random, shape: Shape) -> int:
    """Any sum: the ends of its width, those of the wide format and of a word, halves to round, and small ones."""
    low, high = -(1 << (shape.width - 1)), (1 << (shape.width - 1)) - 1
    power = 1 << draw.randint(27, 30)
    edge = draw.choice((low, high, -power, power, 0, draw.randint(low, high)))
    near = edge + draw.choice((-1025, -1024, -1023, -1, 0, 1, 1023, 1024, 1025, draw.randint(-5000, 5000)))
    return draw.choice((min(max(near, low), high), draw.randint(-40_000_000, 40_000_000)))


def cases(
    draw: random.Random, spec: ScaledLinearSpec, lanes: int, total: Shape, addend: Shape, count: int
) -> list[Case]:
    """Totals, scale and addends; every scale that is a power of two or next to one is among them."""
    high = spec.scale_format.high
    scales = [0, 1, 2, high, high - 1, *(1 << bit for bit in range(17)), *((1 << bit) + 1 for bit in range(16))]
    scales += [draw.randint(0, high) for _ in range(count - len(scales))]
    return [
        (
            [sum_near(draw, total) for _ in range(lanes)],
            scale,
            [draw.choice((0, sum_near(draw, addend))) for _ in range(lanes)],
        )
        for scale in scales
    ]


@pytest.mark.parametrize(
    ("lanes", "total_width", "addend_width", "word"),
    [(4, 38, 36, Q4_12), (3, 36, 44, Q4_12), (1, 33, 33, Q4_12), (2, 40, 38, Q5_12), (2, 42, 44, Q6_12)],
    ids=str,
)
@pytest.mark.parametrize("gaps", [False, True])
def test_words(lanes: int, total_width: int, addend_width: int, word: Format, gaps: bool) -> None:
    """One set of totals a cycle, with and without gaps, each answered in the next cycle and with its own addends."""
    draw = random.Random(seed())
    spec, total, addend = spec_of(word), signed(total_width), signed(addend_width)
    unit = ScaledLinear(spec, lanes=lanes, total_shape=total, addend_shape=addend)
    given = cases(draw, spec, lanes, total, addend, 800)

    async def bench(ctx: Any) -> None:
        index = 0
        before: Case | None = None
        while index < len(given) or before is not None:
            now = given[index] if index < len(given) and not (gaps and draw.random() < 0.5) else None
            ctx.set(unit.i.valid, now is not None)
            if now is not None:
                ctx.set(unit.i.p.totals, now[0])
                ctx.set(unit.i.p.scale, now[1])
                index += 1
            assert ctx.get(unit.o.valid) == (before is not None)
            if before is not None:
                totals, scale, addends = before
                ctx.set(unit.addends, addends)
                for lane in range(lanes):
                    want = spec.requantise(totals[lane], scale, addends[lane])
                    got = ctx.get(unit.o.p[lane])
                    assert got == want, (
                        f"total {totals[lane]}, scale {scale}, addend {addends[lane]}: expected {want}, not {got}"
                    )
            before = now
            await ctx.tick()

    run(with_bank(unit, [unit.multipliers]), bench)


def test_latency() -> None:
    assert ScaledLinear.LATENCY == 1
