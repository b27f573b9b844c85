"""Products of unsigned numbers, in pieces that every synthesis maps to the device's multipliers right."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, Value, unsigned

from hdl.device.cyclone_v import MULTIPLIER_WIDTHS

__all__ = ["fits_multiplier", "multipliers_of", "unsigned_product"]


def fits_multiplier(width: int) -> bool:
    """Return whether unsigned operands, the wider one of ``width`` bits, leave the top bit of a multiplier's at 0."""
    return width < MULTIPLIER_WIDTHS[-1] and width not in MULTIPLIER_WIDTHS


def unsigned_product(m: Module, a: Value, b: Value, name: str = "product") -> Value:
    """Return ``a · b`` of two unsigned values, all bits of it; operands are halved until they fit a multiplier.

    Yosys (0.70, ``intel_alm/common/dsp_map.v``) makes every multiplier of the device one of signed numbers, so that an
    unsigned operand that fills it counts as negative where its top bit is 1. Were that mended, ``a * b`` would do.
    Raises TypeError for a signed operand.
    """
    for value in (a, b):
        if value.shape().signed:
            raise TypeError(f"operands must be unsigned, not {value.shape()!r}")
    if len(a) < len(b):
        a, b = b, a
    product = Signal(unsigned(len(a) + len(b)), name=name)
    if fits_multiplier(len(a)):
        m.d.comb += product.eq(a * b)
        return product
    half = len(a) // 2
    low = unsigned_product(m, a[:half], b, f"{name}_low")
    high = unsigned_product(m, a[half:], b, f"{name}_high")
    m.d.comb += product.eq(low + (high << half))
    return product


def multipliers_of(a: int, b: int) -> int:
    """Return the 18 × 18 multipliers that an ``unsigned_product`` of operands of so many bits takes."""
    a, b = max(a, b), min(a, b)
    if not fits_multiplier(a):
        return multipliers_of(a // 2, b) + multipliers_of(a - a // 2, b)
    # With its sign bit; one of 27 × 27 is a whole block, two of 18 × 18.
    return 1 if a < MULTIPLIER_WIDTHS[1] else 2
