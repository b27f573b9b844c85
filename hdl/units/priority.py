"""Which of many bits is set first, and whether more than one is: trees of halves, ``log2`` levels deep."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import C, Cat, Module, Mux, Signal, Value

__all__ = ["first_index", "first_set", "several"]


def first_index(m: Module, bits: Value, name: str = "first") -> tuple[Value, Value]:
    """Return (whether any bit is set, the index of the lowest one); without one, the index is unspecified."""
    if len(bits) <= 2:
        return bits.any(), ~bits[0]
    width = (len(bits) - 1).bit_length()
    half = 1 << (width - 1)
    # The upper half may be a single bit, which needs no index.
    low, high = first_index(m, bits[:half], f"{name}l"), first_index(m, bits[half:], f"{name}h")
    found, index = Signal(name=f"{name}_found{len(bits)}"), Signal(width, name=f"{name}_index{len(bits)}")
    above = Cat(high[1] if len(bits) > half + 1 else C(0, 1), C(0, width))
    m.d.comb += [found.eq(low[0] | high[0]), index.eq(Cat(Mux(low[0], low[1], above[: width - 1]), ~low[0]))]
    return found, index


def first_set(m: Module, bits: Any, name: str = "first") -> Any:
    """Return ``bits`` with all but the lowest set bit cleared."""
    if len(bits) == 1:
        return bits
    half = 1 << ((len(bits) - 1).bit_length() - 1)
    low, high = first_set(m, bits[:half], f"{name}l"), first_set(m, bits[half:], f"{name}h")
    any_low = Signal(name=f"{name}_any{len(bits)}")
    m.d.comb += any_low.eq(bits[:half].any())
    return Cat(low, Mux(any_low, 0, high))


def several(bits: Value) -> Value:
    """Return whether at least two bits are set."""
    if len(bits) == 1:
        return C(0, 1)
    half = 1 << ((len(bits) - 1).bit_length() - 1)
    low, high = bits[:half], bits[half:]
    return several(low) | several(high) | (low.any() & high.any())
