"""Arguments that every baseline checks the same way."""

from __future__ import annotations

from talos_ref.golden.xorshift32 import check_seed

__all__ = ["seeds_of"]


def seeds_of(seed: int, temperature: float, count: int) -> range:
    """Return the states that names start from, ``seed`` to ``seed + count − 1``.

    Raises TypeError or ValueError if a seed is not 1 to 2^32 − 1, the temperature not a number from 1/256 to 256, or
    the count not an integer of 1 or more.
    """
    if not isinstance(count, int) or isinstance(count, bool):
        raise TypeError(f"count must be an integer, not {count!r}")
    if count < 1:
        raise ValueError(f"count must be 1 or more, not {count!r}")
    if not isinstance(temperature, (int, float)) or isinstance(temperature, bool):
        raise TypeError(f"temperature must be a number, not {temperature!r}")
    if not 1 / 256 <= temperature < 256:
        raise ValueError(f"temperature must be 1/256 to 256, not {temperature!r}")
    check_seed(seed)
    check_seed(seed + count - 1)
    return range(seed, seed + count)
