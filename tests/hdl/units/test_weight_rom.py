"""The weight ROM: a word an address, one cycle later, kept without ``enable``; what is outside a matrix is 0."""

from __future__ import annotations

import random
from typing import Any

import pytest

from hdl.core.config import CoreConfig
from hdl.core.interface import Stage
from hdl.core.schedule import Instruction, Operation, Vector
from hdl.units.weight_rom import WeightRom, rom_words
from tests.helpers.streams import run, seed


def config(rows: int, columns: int) -> CoreConfig:
    return CoreConfig(name="any", arithmetic_name="precise", tile_rows=rows, tile_columns=columns)


@pytest.mark.parametrize(("rows", "columns", "depth"), [(2, 3, 7), (4, 1, 16), (1, 1, 1)])
def test_words(rows: int, columns: int, depth: int) -> None:
    draw = random.Random(seed())
    words = [
        [[draw.choice((-32768, 32767, draw.randint(-32768, 32767))) for _ in range(columns)] for _ in range(rows)]
        for _ in range(depth)
    ]
    rom = WeightRom(config(rows, columns), words)

    async def bench(ctx: Any) -> None:
        current: list[list[int]] | None = None
        for _ in range(300):
            address, enable = draw.randrange(depth), draw.random() < 0.7
            ctx.set(rom.address, address)
            ctx.set(rom.enable, enable)
            await ctx.tick()
            current = words[address] if enable else current
            if current is not None:
                got = [[ctx.get(rom.weights[r][c]) for c in range(columns)] for r in range(rows)]
                assert got == current, f"address {address}, enable {enable}: expected {current}, not {got}"

    run(rom, bench)


def test_padding() -> None:
    """A 3 x 4 matrix in blocks of 2 x 3: only the corners that lie in it hold weights."""
    matrix = [[10 * row + column + 1 for column in range(4)] for row in range(3)]

    def instruction(row: int, column: int) -> Instruction:
        return Instruction(
            operation=Operation.MULTIPLY, stage=Stage.WO, source=Vector.NORMED, destination=Vector.KEY, matrix="m",
            row=row, column=column,
        )  # fmt: skip

    blocks = [instruction(row, column) for row in range(2) for column in range(2)]
    assert rom_words(config(2, 3), blocks, {"m": matrix}) == [
        [[1, 2, 3], [11, 12, 13]],
        [[4, 0, 0], [14, 0, 0]],
        [[21, 22, 23], [0, 0, 0]],
        [[24, 0, 0], [0, 0, 0]],
    ]


def test_latency() -> None:
    assert WeightRom.LATENCY == 1
