"""The sparse tile against exact products: any sparsity, any arrival of the blocks, and its cycles."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from hdl.units.sparse_tile import SparseTile
from talos_ref.golden.format import Q4_12, Q5_12, Q6_12, Format
from talos_ref.golden.linear import matvec
from tests.helpers.banks import with_bank
from tests.helpers.streams import assert_equal, run, seed


@dataclass(frozen=True)
class Arrival:
    """One product: its elements, and how many cycles each block comes after the one before (1: in the next)."""

    x: list[int]
    gaps: list[int]


def products(
    tile: SparseTile, arrivals: list[Arrival], linger: Callable[[], int]
) -> list[tuple[list[int], int]]:
    """Return (totals, cycles from the last announcement to ``done``) of every product."""
    answers: list[tuple[list[int], int]] = []

    async def bench(ctx: Any) -> None:
        for arrival in arrivals:
            ctx.set(tile.clear, 1)
            await ctx.tick()
            ctx.set(tile.clear, 0)
            shown = [0] * tile.columns
            for number, gap in enumerate(arrival.gaps):
                # Blocks that have not been announced hold something else.
                assert not ctx.get(tile.done)
                ctx.set(tile.x, [value or 77 for value in shown])
                for _ in range(gap - 1):
                    await ctx.tick()
                block = slice(number * tile.block, (number + 1) * tile.block)
                bits = sum((value != 0) << place for place, value in enumerate(arrival.x[block]))
                ctx.set(tile.i.valid, 1)
                ctx.set(tile.i.p.row, number)
                ctx.set(tile.i.p.non_zero, bits)
                ctx.set(tile.i.p.last, number == len(arrival.gaps) - 1)
                await ctx.tick()
                ctx.set(tile.i.valid, 0)
                shown[block] = arrival.x[block]
                ctx.set(tile.x, shown)
            cycles = 1
            while not ctx.get(tile.done):
                await ctx.tick()
                cycles += 1
            totals = [ctx.get(tile.totals[r]) for r in range(tile.rows)]
            answers.append((totals, cycles))
            # Done stays, and so do the totals, whatever becomes of x.
            ctx.set(tile.x, [-1] * tile.columns)
            await ctx.tick().repeat(linger())
            assert ctx.get(tile.done)
            assert [ctx.get(tile.totals[r]) for r in range(tile.rows)] == totals

    run(with_bank(tile, [tile.multipliers]), bench)
    return answers


def waiting_after_last(arrival: Arrival, block: int) -> int:
    """Elements in the mask in the cycle after the last announcement, if one is taken in every cycle before."""
    waiting = 0
    for number, gap in enumerate(arrival.gaps):
        # The cycle of an announcement is one of those that take.
        waiting = max(waiting - gap, 0)
        waiting += sum(value != 0 for value in arrival.x[number * block : (number + 1) * block])
    return waiting


def any_word(draw: random.Random, word: Format) -> int:
    return draw.choice((1, word.high, word.low, draw.randint(word.low, word.high)))


def draw_arrival(
    draw: random.Random, word: Format, columns: int, blocks: int, density: float, longest: int
) -> Arrival:
    x = [any_word(draw, word) if draw.random() < density else 0 for _ in range(columns)]
    return Arrival(x, [draw.randint(1, longest) for _ in range(blocks)])


@pytest.mark.parametrize(
    ("rows", "columns", "block", "word"),
    [
        (5, 64, 16, Q4_12), (3, 13, 4, Q4_12), (2, 7, 16, Q4_12), (1, 1, 1, Q4_12), (4, 6, 1, Q4_12),
        (3, 10, 4, Q5_12), (2, 9, 2, Q6_12),
    ],
)  # fmt: skip
def test_products(rows: int, columns: int, block: int, word: Format) -> None:
    draw = random.Random(seed())
    matrix = [[any_word(draw, word) for _ in range(columns)] for _ in range(rows)]
    tile = SparseTile(matrix, word, block)
    blocks = -(-columns // block)
    arrivals = [
        draw_arrival(draw, word, columns, blocks, density, longest)
        for density in (0, 0.05, 0.1, 0.3, 0.7, 1)
        for longest in (1, 2, 5, 40)
        for _ in range(3)
    ]
    # All blocks empty but one, wherever it is.
    for full in range(blocks):
        x = [word.high if place // block == full else 0 for place in range(columns)]
        arrivals += [Arrival(x, [1] * blocks), Arrival(x, [3] * blocks)]
    # The largest sums there are.
    arrivals += [Arrival([word.low] * columns, [1] * blocks), Arrival([0] * columns, [1] * blocks)]
    answers = products(tile, arrivals, lambda: draw.randint(1, 4))
    assert_equal([totals for totals, _ in answers], [matvec(matrix, arrival.x) for arrival in arrivals], arrivals)
    expected = [max(waiting_after_last(arrival, block), 1) + SparseTile.LATENCY for arrival in arrivals]
    assert_equal([cycles for _, cycles in answers], expected, arrivals)


def test_latency() -> None:
    assert SparseTile.LATENCY == 3
