"""xorshift32: the random generator of the samplers (Marsaglia 2003, shifts 13, 17, 5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["ZERO_STATE", "batched_xorshift32", "check_seed", "xorshift32"]

ZERO_STATE = 0x2545F491
"""What hardware puts in place of a state of 0, which would never leave 0."""


def xorshift32(state: int) -> int:
    """Return the state after ``state``: ``s ^= s << 13; s ^= s >> 17; s ^= s << 5``, modulo 2^32; period 2^32 - 1."""
    state ^= (state << 13) & 0xFFFFFFFF
    state ^= state >> 17
    state ^= (state << 5) & 0xFFFFFFFF
    return state


_advance: Callable[[Any], Any] = xorshift32
"""The plain generator holds for arrays as it stands, and works in place."""


def batched_xorshift32(states: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return ``xorshift32`` of every state."""
    advanced: npt.NDArray[np.int64] = _advance(states.copy())
    return advanced


def check_seed(seed: int) -> int:
    """Return ``seed`` if it is a usable state; TypeError or ValueError if it is not 1 to 2^32 - 1."""
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise TypeError(f"seed must be an integer, not {seed!r}")
    if not 1 <= seed <= 0xFFFFFFFF:
        raise ValueError(f"seed must be 1 to 4294967295 (xorshift32 never leaves state 0), not {seed!r}")
    return seed
