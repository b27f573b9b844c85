"""The hash of a lane: shifts and additions are the multiplications of the golden model."""

from __future__ import annotations

from amaranth.hdl import Value

from hdl.proof import Circuit, Everywhere, Planted, Property
from hdl.units.lane_bits import hash_rounds, last_mix
from talos_ref.golden.lane_bits import LAST_SHIFT, ROUNDS

__all__ = ["PROPERTIES"]


def _hash(circuit: Circuit) -> None:
    for number, (shift, a, b) in enumerate(ROUNDS):
        z = circuit.free(32, f"z{number}")
        mixed: Value = z ^ (z >> shift)
        product = (mixed * (1 + (1 << a) + (1 << b)))[:32]
        circuit.always(hash_rounds(circuit.m, z, number, 1, f"round{number}") == product)
    z = circuit.free(32, "z")
    circuit.always(last_mix(z) == z ^ (z >> LAST_SHIFT))


PROPERTIES = (
    Property(
        name="lane_bits.hash",
        statement="Each round of the hash, and its last step, is the golden model's for all 2^32 states.",
        claim=Everywhere(circuit=_hash),
        planted=Planted(
            module="hdl.units.lane_bits",
            right="product.eq(partial + (mixed << b)[:_BITS])",
            wrong="product.eq(partial | (mixed << b)[:_BITS])",
        ),
        quick=True,
    ),
)
