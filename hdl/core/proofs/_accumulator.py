"""A sum beside the circuit's, in far more bits: what the proofs of accumulators have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amaranth.hdl import Mux, Shape, Signal, Value, signed

from hdl.proof import Always, Circuit, Planted, Property

__all__ = ["SPARE", "Accumulator", "bounds_of", "element_of", "never_overflows"]

SPARE = 12
"""Bits that the second sum has more."""


class Accumulator:
    """An accumulator beside the circuit's: at most ``most`` terms, each from ``low`` to ``high``.

    ``term`` is added with ``valid``; ``first`` begins a new sum with ``start``, which is of a term's size.
    """

    def __init__(self, circuit: Circuit, name: str, width: int, bounds: tuple[int, int], most: int) -> None:
        self.m, self.circuit, self.name, self.most = circuit.m, circuit, name, most
        self.low, self.high = bounds
        self.held = Signal(signed(width + SPARE), name=f"{name}_wide")
        self.total = Signal(signed(width + SPARE), name=f"{name}_wide_total")
        self.count = Signal(range(most + 2), name=f"{name}_count")

    def follow(self, valid: Value, first: Value, term: Any, start: Any = None) -> None:
        """Add terms as the circuit does, and keep the sum within what so many terms can make."""
        m = self.m
        self.circuit.assume(~valid | first | (self.count < self.most))
        self.circuit.assume(term <= self.high, term >= self.low)
        m.d.comb += self.total.eq(Mux(first, 0 if start is None else start, self.held) + term)
        with m.If(valid):
            m.d.sync += [self.held.eq(self.total), self.count.eq(Mux(first, 1, self.count + 1))]
        # A start counts as a term more.
        terms = self.count if start is None else Mux(self.count == 0, 0, self.count + 1)
        self.circuit.always(
            self.count <= self.most,
            self.held <= terms * self.high,
            self.held >= terms * self.low,
        )


def bounds_of(a_width: int, b_width: int, count: int = 1) -> tuple[int, int]:
    """Return the least and the largest sum of products of signed numbers."""
    largest = count << (a_width + b_width - 2)
    return -largest, largest


def element_of(values: Value, number: int, shape: Any) -> Value:
    """Return an element of an array, as its shape says."""
    bits = values.word_select(number, Shape.cast(shape).width)
    return bits.as_signed() if Shape.cast(shape).signed else bits


def never_overflows(
    name: str, part: str, what: str, state: Callable[[Circuit], None], cycles: int, planted: Planted
) -> Property:
    """Return the property of the sums in a part of a core."""
    return Property(
        name=f"core.{name}.{part}",
        statement=f"{what} of {name} never overflow, whatever weights and vectors are, within their formats.",
        claim=Always(circuit=state, cycles=cycles),
        planted=planted,
    )
