"""The accumulators of every named core: no sum is too wide for its register, for any weights and any vectors.

What is added is bounded by the formats of its factors alone. A sum is made a second time in far more bits, and the
circuit's has to equal it; so the widths are those that the circuit has.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from amaranth.hdl import C, Shape, Value

from hdl.core.config import CORES
from hdl.core.core import Core
from hdl.core.proofs._accumulator import Accumulator, bounds_of, element_of, never_overflows
from hdl.design import make_design
from hdl.proof import Circuit, Planted, Property
from talos_ref.model.checkpoint import default_checkpoint

__all__ = ["PROPERTIES"]


@cache
def _core(name: str) -> Core:
    return Core(make_design(name, default_checkpoint()))


def _tile(circuit: Circuit, core: Core) -> None:
    tile = core.units.tile
    inside = circuit.unit(tile, "tile")
    ports: Any = tile
    columns, word, split = tile.multipliers.signature.columns, tile.word.width, tile.split
    blocks = 1 + max(instruction.column for instruction in core.program)
    for row in range(tile.multipliers.signature.rows // split):
        parts = [Value.cast(ports.multipliers.sums[part]) for part in range(row * split, (row + 1) * split)]
        for part in parts:
            low, high = bounds_of(word, word, columns)
            circuit.assume(part >= low, part <= high)
        wide = Accumulator(circuit, f"row{row}", tile.total_shape.width, bounds_of(word, word, columns * split), blocks)
        start = inside[f"addend{row}"] << tile.word.fraction if tile.addends else None
        wide.follow(inside["valid"], inside["first"], sum(parts[1:], parts[0]), start)
        circuit.always(
            inside[f"held{row}"] == wide.held,
            ~inside["valid"] | (inside[f"total{row}"] == wide.total),
        )


def _attention(circuit: Circuit, core: Core) -> None:
    """Sums of weights, and of weighted values, over the rows of the cache."""
    attention = core.units.attention
    inside = circuit.unit(attention, "attention")
    ports: Any = attention
    positions, weight, word = attention.positions, attention.spec.exp.width, attention.spec.word.width
    operands = attention.divide.i.payload.shape()
    for name, stage, value_width in (("numerators", 2, word), ("denominators", 1, None)):
        shape = operands[name].shape
        width = Shape.cast(shape.elem_shape).width
        held, total = inside[name], inside[f"next_{name}"]
        for number in range(shape.length):
            if value_width is None:
                weights = [inside["weights"].word_select(number * positions + column, weight)
                           for column in range(positions)]  # fmt: skip
                bounds, term = (0, positions * ((1 << weight) - 1)), sum(weights[1:], weights[0])
            else:
                largest = positions * ((1 << weight) - 1) << (value_width - 1)
                bounds = (-largest, largest)
                lane = attention.cache.layout.lane(*divmod(number, attention.head_dim))
                term = Value.cast(ports.multipliers.sums[lane])
            wide = Accumulator(circuit, f"{name}{number}", width, bounds, attention.rows)
            wide.follow(inside[f"value_valid{stage}"], inside[f"value_first{stage}"], term)
            circuit.always(
                element_of(held, number, shape.elem_shape) == wide.held,
                ~inside[f"value_valid{stage}"] | (element_of(total, number, shape.elem_shape) == wide.total),
            )


def _head(circuit: Circuit, core: Core) -> None:
    assert core.units.head is not None
    sparse = core.units.head.sparse
    inside = circuit.unit(sparse, "sparse")
    ports: Any = sparse
    word, width = sparse.word.width, sparse.total_shape.width
    for row in range(sparse.rows):
        wide = Accumulator(circuit, f"row{row}", width, bounds_of(word, word), sparse.columns)
        wide.follow(inside["accumulate"], C(0, 1), Value.cast(ports.multipliers.results[row][0]))
        with circuit.m.If(ports.clear):
            circuit.m.d.sync += [wide.held.eq(0), wide.count.eq(0)]
        circuit.always(Value.cast(ports.totals[row]) == wide.held)


def _property(
    name: str, part: str, what: str, state: Callable[[Circuit, Core], None], cycles: int, planted: Planted
) -> Property:
    return never_overflows(name, part, what, lambda circuit: state(circuit, _core(name)), cycles, planted)


_TILE = Planted(
    module="hdl.units.tile",
    right="signed(2 * word.width + (terms - 1).bit_length())",
    wrong="signed(2 * word.width - 1)",
)
_ATTENTION = Planted(
    module="hdl.units.attention",
    right="unsigned(spec.exp.width + growth)",
    wrong="unsigned(spec.exp.width - 1)",
)
_HEAD = Planted(
    module="hdl.units.sparse_tile",
    right="signed(2 * word.width + (self.columns - 1).bit_length())",
    wrong="signed(2 * word.width - 1)",
)

PROPERTIES = (
    *(_property(name, "tile", "The totals of the tile", _tile, 2, _TILE) for name in CORES),
    *(_property(name, "attention", "The sums over positions", _attention, 8, _ATTENTION) for name in CORES),
    *(
        _property(name, "head", "The totals of the folded head", _head, 5, _HEAD)
        for name in CORES
        if CORES[name].sparse_head and CORES[name].arithmetic_name != "talos-v2"
    ),
)
