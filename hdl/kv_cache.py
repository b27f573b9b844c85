"""Keys and values of all positions and layers, several positions a row."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import C, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl.format import index_shape, shape_of
from talos_ref.config import ModelConfig
from talos_ref.format import Format

__all__ = ["CacheMemory", "cache_rows", "in_bank", "row_of"]

# Shallow as it is, it would else become registers and multiplexers. The first name is Quartus's, the second Yosys's.
_BLOCK_RAM = {"ramstyle": "M10K", "ram_style": "block"}


def row_of(position: Value, positions: int) -> Value:
    """Return the row of a position; ``positions`` must be a power of two."""
    return position >> (positions.bit_length() - 1)


def in_bank(position: Value, bank: int, positions: int) -> Value:
    """Return whether a position lies in ``bank`` of its row."""
    return C(1, 1) if positions == 1 else position[: positions.bit_length() - 1] == bank


def cache_rows(config: ModelConfig, positions: int) -> int:
    """Return the rows that one layer's positions take."""
    return -(-config.block_size // positions)


class CacheMemory(wiring.Component):
    """One vector a position: the keys, or the values, of ``talos_ref.kv_cache``.

    Position ``p`` is in bank ``p mod positions``, row ``p // positions``; a read gives one row of every bank,
    ``LATENCY`` cycles after its address. A write is seen by reads addressed in later cycles. One read and one write a
    cycle; a read of the row being written returns its old words. Positions never written read as 0.

    Members
    -------
    layer : In
        Of reads and writes.
    write_valid, write_position, write_vector : In
    row : In
        Address of a read.
    vectors : Out
        ``[positions][n_embd]`` words.
    """

    LATENCY = 1

    def __init__(self, config: ModelConfig, word: Format, positions: int) -> None:
        if not 1 <= positions <= config.block_size or positions & (positions - 1):
            raise ValueError(f"positions must be a power of two from 1 to {config.block_size}, not {positions!r}")
        self.positions = positions
        self.rows = cache_rows(config, positions)
        self.n_layer = config.n_layer
        self.vector_layout = data.ArrayLayout(shape_of(word), config.n_embd)
        super().__init__(
            {
                "layer": In(index_shape(config.n_layer)),
                "write_valid": In(1),
                "write_position": In(range(config.block_size)),
                "write_vector": In(self.vector_layout),
                "row": In(index_shape(self.rows)),
                "vectors": Out(data.ArrayLayout(self.vector_layout, positions)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        first_row = Signal(index_shape(self.n_layer * self.rows))
        m.d.comb += first_row.eq(self.layer * self.rows)
        write_row = Signal(index_shape(self.n_layer * self.rows))
        m.d.comb += write_row.eq(first_row + row_of(self.write_position, self.positions))
        for bank in range(self.positions):
            memory = Memory(shape=self.vector_layout, depth=self.n_layer * self.rows, init=[], attrs=_BLOCK_RAM)
            m.submodules[f"bank{bank}"] = memory
            write, read = memory.write_port(), memory.read_port()
            m.d.comb += [
                write.addr.eq(write_row),
                write.data.eq(self.write_vector),
                write.en.eq(self.write_valid & in_bank(self.write_position, bank, self.positions)),
                read.addr.eq(first_row + self.row),
                self.vectors[bank].eq(read.data),
            ]
        return m
