"""Sums of many terms, and products that are better made of adders than of DSP blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value

__all__ = ["adder_tree", "carry_save", "partial_products", "sum_partial_products"]


def adder_tree(m: Module, terms: Sequence[Any], name: str = "sum") -> Value:
    """Return the sum of ``terms`` as a balanced tree; every level widens, so that no bit is lost.

    Each node is a signal that synthesis must keep: left alone, Yosys (seen with 0.70) joins sums of sums into
    carry-save tables, which on this device are larger and slower than carry chains.
    """
    level: list[Any] = list(terms)
    while len(level) > 1:
        nodes: list[Any] = []
        for a, b in zip(level[0::2], level[1::2], strict=False):
            total = a + b
            node = Signal(total.shape(), name=name, attrs={"keep": 1})
            m.d.comb += node.eq(total)
            nodes.append(node)
        level = nodes + ([level[-1]] if len(level) % 2 else [])
    return Value.cast(level[0])


def carry_save(m: Module, a: Value, b: Value, c: Value, width: int, name: str) -> tuple[Value, Value]:
    """Return two numbers whose sum is ``a + b + c`` modulo 2^width: a table deep, without a carry chain (Wallace 1964).

    ``sum = a ^ b ^ c`` and ``carries = 2·majority(a, b, c)``. It is for three terms at the head of a long path, where
    another chain and the wires to it would take longer than the table.
    """
    total, carries = Signal(width, name=f"{name}_sum"), Signal(width, name=f"{name}_carries")
    m.d.comb += [total.eq(a ^ b ^ c), carries.eq(((a & b) | (a & c) | (b & c)) << 1)]
    return total, carries


def partial_products(m: Module, value: Value, factor: Value, name: str = "partial") -> list[Value]:
    """Return ``value · digit`` for every base-4 digit of an unsigned ``factor``, the lowest first.

    A digit chooses 0, 1, 2 or 3 times the value, which is one table of five inputs a bit.
    """
    triple = adder_tree(m, [value, value << 1], f"{name}_triple")
    terms = []
    for first in range(0, len(factor), 2):
        digit = factor[first : first + 2]
        once = Mux(digit[0], value, 0)
        terms.append(Mux(digit[1], Mux(digit[0], triple, value << 1), once) if len(digit) == 2 else once)
    return terms


def sum_partial_products(m: Module, terms: Sequence[Any], name: str = "partial") -> Value:
    """Return the product that ``partial_products`` has taken apart."""
    return adder_tree(m, [term << 2 * place for place, term in enumerate(terms)], name)
