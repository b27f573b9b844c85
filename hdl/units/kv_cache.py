"""Keys and values of all positions and layers, several positions a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import C, Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl.device.target import target_of
from hdl.units.format import index_shape, shape_of
from hdl.units.memory_ports import read_port, write_port
from talos_ref.golden.format import Format
from talos_ref.model.config import ModelConfig

__all__ = ["CacheLayout", "CacheMemory", "cache_depth", "cache_rows", "in_bank", "row_of"]

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


@dataclass(frozen=True)
class CacheLayout:
    """Where the elements of keys and values lie: ``[bank][lane]``, ``positions`` banks.

    A value lies as it is, element ``d`` of position ``p`` in bank ``p``, lane ``d``. Of a key, banks and lanes are
    swapped in squares of two by two: it lies in bank ``p - p mod 2 + d mod 2``, lane ``d - d mod 2 + p mod 2``. So two
    neighbouring banks of a lane hold either two positions of one element, whose weighted values are summed, or two
    elements of one position, whose products with the query are.

    With one position nothing is swapped. With more, a head has an even number of lanes, of which the last may hold no
    element.
    """

    positions: int
    n_head: int
    head_dim: int

    @property
    def head_lanes(self) -> int:
        """Lanes of a head."""
        return self.head_dim if self.positions == 1 else 2 * -(-self.head_dim // 2)

    @property
    def lanes(self) -> int:
        """Lanes of all heads."""
        return self.n_head * self.head_lanes

    @property
    def parts(self) -> int:
        """Memories of a bank: even lanes and odd ones, if they hold keys of different positions."""
        return min(self.positions, 2)

    def lane(self, head: int, element: int) -> int:
        """Return the lane of an element of a value, counted within its head."""
        return head * self.head_lanes + element

    def value_element(self, lane: int) -> int | None:
        """Return the element of a value in a lane, counted over all heads; None if it holds none."""
        head, d = divmod(lane, self.head_lanes)
        return head * self.head_dim + d if d < self.head_dim else None

    def key_element(self, bank: int, lane: int) -> int | None:
        """Return the element of a key in a place, counted over all heads; None if it holds none."""
        return self.value_element(lane if self.positions == 1 else lane - lane % 2 + bank % 2)

    def key_position(self, bank: int, lane: int) -> int:
        """Return the position within a row whose key lies in a place."""
        return bank if self.positions == 1 else bank - bank % 2 + lane % 2


class CacheMemory(wiring.Component):
    """The keys and values of ``talos_ref.golden.kv_cache``, one vector each a position.

    Keys and values share the memories, since attention never reads both in one cycle; ``CacheLayout`` says where their
    elements lie. Position ``p`` is in row ``p // positions``; a read gives one row of every bank, ``LATENCY`` cycles
    after its address. A write is seen by reads addressed in later cycles. One read and one write a cycle; a read of the
    row being written returns its old words. Positions never written read as 0.

    Members
    -------
    layer : In
        Of reads and writes.
    write_valid, write_is_value, write_position : In
        ``write_is_value`` tells a value from a key.
    key, value : In(vectors)
        What is written.
    row, read_value : In
        Address of a read.
    words : Out
        ``[positions][lanes]``.
    """

    LATENCY = 1

    def __init__(self, config: ModelConfig, word: Format, positions: int) -> None:
        if not 1 <= positions <= config.block_size or positions & (positions - 1):
            raise ValueError(f"positions must be a power of two from 1 to {config.block_size}, not {positions!r}")
        self.positions = positions
        self.layout = CacheLayout(positions, config.n_head, config.head_dim)
        self.rows = cache_rows(config, positions)
        self.n_layer = config.n_layer
        self.word_shape = shape_of(word)
        self.vector_layout = data.ArrayLayout(self.word_shape, config.n_embd)
        super().__init__(
            {
                "layer": In(index_shape(config.n_layer)),
                "write_valid": In(1),
                "write_is_value": In(1),
                "write_position": In(range(config.block_size)),
                "key": In(self.vector_layout),
                "value": In(self.vector_layout),
                "row": In(index_shape(self.rows)),
                "read_value": In(1),
                "words": Out(data.ArrayLayout(data.ArrayLayout(self.word_shape, self.layout.lanes), positions)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        layout = self.layout
        first_row = Signal(index_shape(self.n_layer * self.rows), name="first_row")
        write_row = Signal.like(first_row, name="write_row")
        read_row = Signal.like(first_row, name="read_row")
        with m.Switch(self.layer):
            for layer in range(self.n_layer):
                with m.Case(layer):
                    m.d.comb += first_row.eq(layer * self.rows)
        m.d.comb += [
            write_row.eq(first_row + row_of(self.write_position, self.positions)),
            read_row.eq(first_row + self.row),
        ]
        depth = cache_depth(self.n_layer, self.rows)
        for bank in range(self.positions):
            for part in range(layout.parts):
                lanes = range(part, layout.lanes, layout.parts)
                shape = data.ArrayLayout(self.word_shape, len(lanes))
                attributes = target_of(platform).memory_attributes(depth, shape.size)
                memory = Memory(shape=shape, depth=depth, init=[], attrs=attributes)
                m.submodules[f"bank{bank}_{part}" if layout.parts > 1 else f"bank{bank}"] = memory
                write, read = write_port(memory), read_port(memory)
                here = Mux(
                    self.write_is_value,
                    in_bank(self.write_position, bank, self.positions),
                    in_bank(self.write_position, layout.key_position(bank, part), self.positions),
                )
                m.d.comb += [
                    write.addr.eq(Cat(write_row, self.write_is_value)),
                    write.en.eq(self.write_valid & here),
                    read.addr.eq(Cat(read_row, self.read_value)),
                ]
                for place, lane in enumerate(lanes):
                    key, value = layout.key_element(bank, lane), layout.value_element(lane)
                    m.d.comb += [
                        write.data[place].eq(Mux(self.write_is_value, _of(self.value, value), _of(self.key, key))),
                        self.words[bank][lane].eq(read.data[place]),
                    ]
        return m


def _of(vector: Any, element: int | None) -> Value:
    """Return an element of a vector, 0 for none."""
    return C(0, 1) if element is None else vector[element]
