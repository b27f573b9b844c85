"""The tile against exact matrix-vector products."""

from __future__ import annotations

import random
from typing import Any

import pytest

from hdl.core.config import CoreConfig
from hdl.core.schedule import schedule, tile_instructions
from hdl.units.tile import Tile
from hdl.units.weight_rom import rom_words
from talos_ref.golden.format import Q4_12, Q5_12, Q6_12, Format
from talos_ref.golden.linear import matvec
from talos_ref.model.config import MICROGPT
from tests.helpers.banks import with_bank
from tests.helpers.streams import run, seed

Block = list[tuple[list[list[int]], list[int]]]
"""Cycles of (weights, x)."""
SHAPES = [(16, 1, Q4_12), (4, 8, Q4_12), (3, 5, Q4_12), (4, 3, Q5_12), (2, 2, Q6_12)]


def products(
    tile: Tile, blocks: list[Block], gap: Any, addends: list[list[int]] | None = None
) -> tuple[list[list[int]], list[int]]:
    """Return the totals of every block of (weights, x) cycles, and the cycles from each ``last`` to its totals."""
    totals: list[list[int]] = []
    spans: list[int] = []
    sent: list[int] = []

    async def producer(ctx: Any) -> None:
        cycle = 0
        for number, block in enumerate(blocks):
            for index, (weights, x) in enumerate(block):
                while gap():
                    ctx.set(tile.i.valid, 0)
                    await ctx.tick()
                    cycle += 1
                ctx.set(tile.i.valid, 1)
                ctx.set(tile.i.p.weights, weights)
                ctx.set(tile.i.p.x, x)
                ctx.set(tile.i.p.first, index == 0)
                if addends is not None:
                    # Those of the first cycle count.
                    ctx.set(tile.i.p.addends, addends[number] if index == 0 else [-1] * tile.rows)
                ctx.set(tile.i.p.last, index == len(block) - 1)
                if index == len(block) - 1:
                    sent.append(cycle)
                await ctx.tick()
                cycle += 1
        ctx.set(tile.i.valid, 0)

    async def monitor(ctx: Any) -> None:
        cycle = 0
        while len(totals) < len(blocks):
            if ctx.get(tile.o.valid):
                totals.append([ctx.get(tile.o.p[r]) for r in range(tile.rows)])
                spans.append(cycle - sent[len(spans)])
            await ctx.tick()
            cycle += 1

    run(with_bank(tile, [tile.multipliers]), monitor, producer)
    return totals, spans


def any_word(rng: random.Random, format: Format) -> int:
    return rng.choice((format.low, format.high, 0, rng.randint(format.low, format.high)))


def any_blocks(rng: random.Random, rows: int, columns: int, format: Format) -> list[Block]:
    """Blocks of up to 64 terms, the last one of the largest products there are."""

    def word() -> int:
        return any_word(rng, format)

    blocks = [
        [
            ([[word() for _ in range(columns)] for _ in range(rows)], [word() for _ in range(columns)])
            for _ in range(rng.randint(1, 64 // columns))
        ]
        for _ in range(12)
    ]
    # The largest total there is: its width must hold.
    blocks.append([([[format.low] * columns] * rows, [format.low] * columns)] * (64 // columns))
    return blocks


def sums(block: Block, rows: int) -> list[int]:
    return [sum(sum(w * x for w, x in zip(ws[r], xs, strict=True)) for ws, xs in block) for r in range(rows)]


@pytest.mark.parametrize(("rows", "columns", "format"), SHAPES)
@pytest.mark.parametrize("gaps", [False, True])
def test_totals(rows: int, columns: int, format: Format, gaps: bool) -> None:
    rng = random.Random(seed())
    tile = Tile(rows=rows, columns=columns, word=format, outputs=64, terms=64)
    blocks = any_blocks(rng, rows, columns, format)
    totals, spans = products(tile, blocks, lambda: gaps and rng.random() < 0.4)
    for index, (block, total) in enumerate(zip(blocks, totals, strict=True)):
        expected = sums(block, rows)
        assert total == expected, f"block {index}: expected {expected}, not {total}"
    assert set(spans) == {tile.LATENCY} == {2}


@pytest.mark.parametrize(("rows", "columns", "split"), [(4, 8, 2), (2, 6, 3), (3, 4, 1), (5, 1, 1)])
def test_addends_and_totals_without_a_register(rows: int, columns: int, split: int) -> None:
    """Sums that start from a word, in rows of the bank that are a part of the tile's, a cycle earlier."""
    rng = random.Random(seed())
    tile = Tile(
        rows=rows, columns=columns, word=Q4_12, outputs=64, terms=64, split=split, addends=True, registered=False
    )
    assert (tile.multipliers.signature.rows, tile.multipliers.signature.columns) == (rows * split, columns // split)
    blocks = any_blocks(rng, rows, columns, Q4_12)
    addends = [[any_word(rng, Q4_12) for _ in range(rows)] for _ in blocks]
    addends[-1] = [Q4_12.high] * rows
    totals, spans = products(tile, blocks, lambda: rng.random() < 0.3, addends)
    for index, (block, words, total) in enumerate(zip(blocks, addends, totals, strict=True)):
        expected = [(word << Q4_12.fraction) + part for word, part in zip(words, sums(block, rows), strict=True)]
        assert total == expected, f"block {index}: expected {expected}, not {total}"
    assert set(spans) == {tile.LATENCY} == {1}


def test_split_that_does_not_divide_the_columns() -> None:
    with pytest.raises(ValueError, match=r"^split must divide 8 columns, not 3$"):
        Tile(rows=4, columns=8, word=Q4_12, outputs=64, terms=64, split=3)


@pytest.mark.parametrize(("rows", "columns"), [(16, 1), (16, 8), (5, 3)])
def test_rom_words_multiply_to_the_product(rows: int, columns: int) -> None:
    """Every matrix of the schedule, taken word by word through the ROM's layout, gives its product."""
    rng = random.Random(seed())
    config = CoreConfig(name="any", arithmetic_name="talos-v2", tile_rows=rows, tile_columns=columns)
    tensors = {
        name: [[rng.randint(-32768, 32767) for _ in range(c)] for _ in range(r)]
        for name, (r, c) in MICROGPT.shapes().items()
    }
    vectors = {name: [rng.randint(-32768, 32767) for _ in range(c)] for name, (_, c) in MICROGPT.shapes().items()}
    instructions = tile_instructions(schedule(config))
    totals: dict[str, dict[int, int]] = {}
    for instruction, word in zip(instructions, rom_words(config, instructions, tensors), strict=True):
        x = vectors[instruction.matrix] + [0] * columns
        block = x[instruction.column * columns : (instruction.column + 1) * columns]
        for r, weights in enumerate(word):
            sums = totals.setdefault(instruction.matrix, {})
            row = instruction.row * rows + r
            sums[row] = sums.get(row, 0) + sum(w * v for w, v in zip(weights, block, strict=True))
    assert set(totals) == set(tensors) - {"wte", "wpe"}
    for name, sums in totals.items():
        expected = matvec(tensors[name], vectors[name])
        assert [sums[row] for row in range(len(expected))] == expected, name
        assert not any(total for row, total in sums.items() if row >= len(expected)), name


def test_nothing_is_multiplied_beyond_the_matrices() -> None:
    """A tile that is larger than every matrix has multipliers for the largest alone."""
    tile = Tile(rows=4, columns=4, word=Q4_12, outputs=3, terms=2)
    assert (tile.multipliers.signature.rows, tile.multipliers.signature.columns) == (3, 2)
    totals, _ = products(tile, [[([[1, 2, 0, 0], [3, -4, 0, 0], [5, 6, 0, 0], [0] * 4], [7, 8, 0, 0])]], lambda: False)
    assert totals == [[23, -11, 83, 0]]
