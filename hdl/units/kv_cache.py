"""Keys and values of all positions and layers, several positions a row."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import C, Cat, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl.device.target import target_of
from hdl.units.format import index_shape, shape_of
from hdl.units.memory_ports import read_port, write_port
from talos_ref.golden.format import Format
from talos_ref.model.config import ModelConfig

__all__ = ["CacheMemory", "cache_depth", "cache_rows", "in_bank", "row_of"]

# Without the attribute, and in Yosys at less than a twentieth of a block, the memory would be registers and
# multiplexers.
_LEAST_DEPTH = 32


def row_of(position: Value, positions: int) -> Value:
    """Return the row of a position; ``positions`` must be a power of two."""
    return position >> (positions.bit_length() - 1)


def in_bank(position: Value, bank: int, positions: int) -> Value:
    """Return whether a position lies in ``bank`` of its row."""
    return C(1, 1) if positions == 1 else position[: positions.bit_length() - 1] == bank


def cache_rows(config: ModelConfig, positions: int) -> int:
    """Return the rows that one layer's positions take."""
    return -(-config.block_size // positions)


def cache_depth(layers: int, rows: int) -> int:
    """Return the words of a bank: keys and values of so many rows a layer."""
    index: int = index_shape(layers * rows).width
    return max(2 << index, _LEAST_DEPTH)


class CacheMemory(wiring.Component):
    """The keys and values of ``talos_ref.golden.kv_cache``, one vector each a position.

    Keys and values share the memories, since attention never reads both in one cycle. Position ``p`` is in bank
    ``p mod positions``, row ``p // positions``; a read gives one row of every bank, ``LATENCY`` cycles after its
    address. A write is seen by reads addressed in later cycles. One read and one write a cycle; a read of the row being
    written returns its old words. Positions never written read as 0.

    Members
    -------
    layer : In
        Of reads and writes.
    write_valid, write_value, write_position, write_vector : In
        ``write_value`` tells a value from a key.
    row, read_value : In
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
                "write_value": In(1),
                "write_position": In(range(config.block_size)),
                "write_vector": In(self.vector_layout),
                "row": In(index_shape(self.rows)),
                "read_value": In(1),
                "vectors": Out(data.ArrayLayout(self.vector_layout, positions)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        first_row = Signal(index_shape(self.n_layer * self.rows), name="first_row")
        write_row = Signal.like(first_row, name="write_row")
        read_row = Signal.like(first_row, name="read_row")
        m.d.comb += [
            first_row.eq(self.layer * self.rows),
            write_row.eq(first_row + row_of(self.write_position, self.positions)),
            read_row.eq(first_row + self.row),
        ]
        depth = cache_depth(self.n_layer, self.rows)
        attributes = target_of(platform).memory_attributes(depth, self.vector_layout.size)
        for bank in range(self.positions):
            memory = Memory(shape=self.vector_layout, depth=depth, init=[], attrs=attributes)
            m.submodules[f"bank{bank}"] = memory
            write, read = write_port(memory), read_port(memory)
            m.d.comb += [
                write.addr.eq(Cat(write_row, self.write_value)),
                write.data.eq(self.write_vector),
                write.en.eq(self.write_valid & in_bank(self.write_position, bank, self.positions)),
                read.addr.eq(Cat(read_row, self.read_value)),
                self.vectors[bank].eq(read.data),
            ]
        return m
