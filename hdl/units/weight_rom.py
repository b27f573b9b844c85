"""The weights in ROM, one word a tile instruction, in the order in which the schedule takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl.core.config import CoreConfig
from hdl.core.schedule import Instruction
from hdl.units.format import shape_of
from hdl.units.lent_rom import LentRom, lent_address, lent_enable, lent_words, show
from hdl.units.memory_ports import read_port
from hdl.units.multipliers import matrix_layout

__all__ = ["WeightRom", "rom_words"]


def rom_words(
    config: CoreConfig, instructions: Sequence[Instruction], tensors: Mapping[str, Sequence[Sequence[int]]]
) -> list[list[list[int]]]:
    """Return ``[instruction][tile row][tile column]`` weights; places outside a matrix hold 0."""
    words = []
    for instruction in instructions:
        matrix = tensors[instruction.matrix]
        first_row, first_column = instruction.row * config.tile_rows, instruction.column * config.tile_columns
        words.append(
            [
                [
                    matrix[row][column] if row < len(matrix) and column < len(matrix[0]) else 0
                    for column in range(first_column, first_column + config.tile_columns)
                ]
                for row in range(first_row, first_row + config.tile_rows)
            ]
        )
    return words


class WeightRom(wiring.Component):
    """One word of ``tile_rows · tile_columns`` weights, ``LATENCY`` cycles after its address, one a cycle.

    Members
    -------
    address : In
    enable : In(1)
        Without it the output keeps its word.
    weights : Out
        ``[tile_rows][tile_columns]`` words.
    """

    LATENCY = 1
    lent: LentRom | None = None

    def __init__(self, config: CoreConfig, words: list[list[list[int]]]) -> None:
        self.words = words
        self.layout = matrix_layout(shape_of(config.arithmetic.word), config.tile_rows, config.tile_columns)
        super().__init__({"address": In(range(len(words))), "enable": In(1), "weights": Out(self.layout)})

    def lend(self) -> list[LentRom]:
        """As of ``Lender``."""
        self.lent = LentRom("weights", lent_words(self.layout, self.words))
        return [self.lent]

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.memory = memory = Memory(shape=self.layout, depth=len(self.words), init=self.words)
        read = read_port(memory)
        m.d.comb += [
            read.addr.eq(lent_address(self.lent, self.address)),
            read.en.eq(lent_enable(self.lent, self.enable)),
            self.weights.eq(read.data),
        ]
        show(m, self.lent, read.data)
        return m
