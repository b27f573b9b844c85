"""The random bits of a lane as gates: rounds of exclusive or and addition, combinational."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, Value

from talos_ref.golden.lane_bits import LAST_SHIFT, ROUNDS

__all__ = ["hash_rounds", "last_mix"]

_BITS = 32


def hash_rounds(m: Module, z: Value, first: int, count: int, name: str = "lane") -> Value:
    """Return ``z`` after rounds ``first`` to ``first + count - 1`` of ``talos_ref.golden.lane_bits``.

    Before all of them, ``z = rng + lane · WEYL`` modulo 2^32; `last_mix` follows the last. A round is one exclusive or
    and one sum of three terms deep. Raises ValueError if ``z`` is not 32 bits wide.
    """
    if len(z) != _BITS:
        raise ValueError(f"z must be {_BITS} bits wide, not {len(z)!r}")
    for number, (shift, a, b) in enumerate(ROUNDS[first : first + count], first):
        mixed, product = Signal(_BITS, name=f"{name}_mixed{number}"), Signal(_BITS, name=f"{name}_product{number}")
        # Kept, since Yosys (alumacc, 0.70) makes of a sum of three terms tables without the device's carry chains.
        partial = Signal(_BITS, name=f"{name}_partial{number}", attrs={"keep": 1})
        m.d.comb += [
            mixed.eq(z ^ (z >> shift)),
            partial.eq(mixed + (mixed << a)[:_BITS]),
            product.eq(partial + (mixed << b)[:_BITS]),
        ]
        z = product
    return z


def last_mix(z: Value) -> Value:
    """Return the bits of a lane from ``z`` after all rounds."""
    return z ^ (z >> LAST_SHIFT)
