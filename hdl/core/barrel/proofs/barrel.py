"""The accumulators of every barrel: no sum is too wide for its register, for any weights and any vectors.

As in ``hdl/core/proofs/core.py``, a sum is made a second time in far more bits. Weights and addends are whatever their
formats allow: the memories that hold them are left away, and what is read of them is free.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from amaranth.hdl import Mux, Shape, Signal, Value, signed

from hdl.core.barrel.barrel import Barrel
from hdl.core.config import BARRELS
from hdl.core.proofs._accumulator import SPARE, Accumulator, bounds_of, element_of, never_overflows
from hdl.design import make_design
from hdl.proof import Circuit, Planted, Property
from talos_ref.model.checkpoint import default_checkpoint

__all__ = ["PROPERTIES"]


@cache
def _barrel(name: str) -> Barrel:
    return Barrel(make_design(name, default_checkpoint()))


def _matrix(circuit: Circuit, core: Barrel) -> None:
    """Sums of a row's products and its addend, which is 0 of the residual stream."""
    matrix, word = core.matrix, core.config.word
    inside = circuit.unit(matrix, "matrix", without=("weights", "addends"))
    ports: Any = matrix
    low, high = bounds_of(word.width, word.width, core.config.model.n_embd)
    for row in range(core.config.tile_rows):
        products = Value.cast(ports.multipliers.sums[row])
        circuit.assume(products >= low, products <= high)
        total = inside[f"total{row}"]
        wide = Signal(signed(len(total) + SPARE), name=f"row{row}_wide")
        addend = element_of(inside["held"], row, signed(core.config.arithmetic.logit.width))
        circuit.m.d.sync += wide.eq(products + (Mux(inside["residual"], 0, addend) << word.fraction))
        circuit.always(total == wide)


def _attention(circuit: Circuit, core: Barrel) -> None:
    """Sums of weights, and of weighted values, over the positions of a stream."""
    sums, model = core.sums, core.config.model
    inside = circuit.unit(sums, "sums", without=("scores", "values"))
    ports: Any = sums
    spec = sums.config.arithmetic.attention
    weight, word = spec.exp.width, spec.word.width
    largest = (1 << weight) - 1
    sides: tuple[tuple[str, int, int, Shape, tuple[int, int], Callable[[int], Value]], ...] = (
        ("denominators", 2, model.n_head, sums.denominator, (0, largest),
         lambda number: inside["weights"].word_select(number, weight)),
        ("numerators", 3, model.n_embd, sums.numerator, (-largest << (word - 1), largest << (word - 1)),
         lambda number: Value.cast(ports.multipliers.results[number][0])),
    )  # fmt: skip
    for name, stage, count, shape, bounds, term in sides:
        for number in range(count):
            wide = Accumulator(circuit, f"{name}{number}", shape.width, bounds, model.block_size)
            wide.follow(inside[f"valid{stage}"], inside[f"first{stage}"], term(number))
            circuit.always(element_of(inside[name], number, shape) == wide.held)


def _head(circuit: Circuit, core: Barrel) -> None:
    """Sums of the hidden units that are not 0."""
    head, word = core.head, core.config.word.width
    inside = circuit.unit(head, "head", without=("weights",))
    ports: Any = head
    for token in range(core.config.model.vocab_size):
        wide = Accumulator(
            circuit, f"token{token}", head.total.width, bounds_of(word, word), core.config.model.mlp_dim
        )
        wide.follow(inside["valid2"], inside["first2"], Value.cast(ports.multipliers.results[token][0]))
        circuit.always(inside[f"total{token}"] == wide.held)


def _property(
    name: str, part: str, what: str, state: Callable[[Circuit, Barrel], None], cycles: int, planted: Planted
) -> Property:
    return never_overflows(name, part, what, lambda circuit: state(circuit, _barrel(name)), cycles, planted)


_MATRIX = Planted(
    module="hdl.core.barrel.jobs",
    right="signed(2 * config.word.width + (config.model.n_embd - 1).bit_length() + 1)",
    wrong="signed(2 * config.word.width + 2)",
)
_ATTENTION = Planted(
    module="hdl.core.barrel.sums",
    right="unsigned(spec.exp.width + growth)",
    wrong="unsigned(spec.exp.width - 1)",
)
_HEAD = Planted(
    module="hdl.core.barrel.head",
    right="signed(2 * config.word.width + (config.model.mlp_dim - 1).bit_length())",
    wrong="signed(2 * config.word.width - 1)",
)

PROPERTIES = (
    *(_property(name, "matrix", "The totals of the matrix", _matrix, 6, _MATRIX) for name in BARRELS),
    *(_property(name, "attention", "The sums over positions", _attention, 6, _ATTENTION) for name in BARRELS),
    *(_property(name, "head", "The totals of the folded head", _head, 8, _HEAD) for name in BARRELS),
)
