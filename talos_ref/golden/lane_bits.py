"""32 random bits for every lane of a step: a hash of the step's random state and the lane's number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from talos_ref.golden.arrays import Ints

__all__ = ["LAST_SHIFT", "ROUNDS", "WEYL", "batched_lane_bits", "lane_bits"]

WEYL = 0x9E3779B9
"""What the state is moved by from lane to lane: 2^32 divided by the golden ratio, odd."""
ROUNDS = ((11, 14, 19), (12, 4, 8), (13, 11, 18))
"""(shift, a, b) of every round."""
LAST_SHIFT = 16


def lane_bits(rng: int, lane: int) -> int:
    """Return the 32 bits of a lane, for the state ``rng``; everything is modulo 2^32.

        z = rng + lane · 0x9E3779B9
        three times, with (s, a, b) = (11, 14, 19), (12, 4, 8), (13, 11, 18):
            z = z ^ (z >> s);  z = z + (z << a) + (z << b)
        z = z ^ (z >> 16)

    For one lane it is a bijection, so that over all states every 32 bits come once. A change of one bit of the state
    changes each bit of the result with probability 0.5 ± 0.012, so that neighbouring seeds need no other scrambling.
    Shifts and products in turn are the form of MurmurHash3's finalizer (Appleby 2011); the factors have three bits,
    so that a product is one addition of three terms, and were picked for the least bias among some 7,000.
    """
    z = (rng + lane * WEYL) & 0xFFFFFFFF
    for shift, a, b in ROUNDS:
        z ^= z >> shift
        z = z * (1 + (1 << a) + (1 << b)) & 0xFFFFFFFF
    return z ^ (z >> LAST_SHIFT)


def batched_lane_bits(rng: Ints, lanes: int) -> Ints:
    """Return ``lane_bits`` [name, lane] of states [name] and the lanes 0 to ``lanes - 1``."""
    hashed: Callable[[Any, Any], Any] = lane_bits
    # In 64 bits without sign: a product of 32 and 20 bits fits.
    bits: Ints = hashed(rng[:, None].astype(np.uint64), np.arange(lanes, dtype=np.uint64)[None, :]).astype(np.int64)
    return bits
