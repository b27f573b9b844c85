"""The digest of many names: one number that says what a board has drawn, of a billion steps in a minute."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from host_c.binding.extension import check, ffi, lib
from host_c.binding.model import Model
from talos_ref.golden.xorshift32 import ZERO_STATE

__all__ = ["Digest", "digest"]

_CHUNK = 1 << 20
"""Names at a time."""


@dataclass(frozen=True)
class Digest:
    """Steps of names, their letters, and the sum of the CRC-32 of all steps (``talos_ref.golden.digest``)."""

    digest: int
    steps: int
    letters: int


def digest(
    model: Model, seed: int, count: int, temperature: float, limit: int | None = None, threads: int = 0
) -> Digest:
    """Return the digest of the names of ``count`` seeds from ``seed`` on; 2^32 - 1 is followed by 0.

    A seed of 0 starts from ``ZERO_STATE``, as in a circuit. ``limit`` is the most letters of a name, by default as many
    as fit; ``threads`` 0 means one a core. Raises TypeError or ValueError as `Model.generate_many`, and for a count or
    a limit out of range.
    """
    longest = model.config.max_letters
    limit = longest if limit is None else limit
    ranges = (("seed", seed, 0, 0xFFFFFFFF), ("count", count, 1, 1 << 32), ("limit", limit, 1, longest))
    for name, value, low, high in ranges:
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{name} must be an integer, not {value!r}")
        if not low <= value <= high:
            raise ValueError(f"{name} must be {low} to {high}, not {value!r}")
    result = ffi.new("talos_digest_result *")
    for first in range(0, count, _CHUNK):
        seeds = ((np.arange(first, min(first + _CHUNK, count)) + seed) % (1 << 32)).astype(np.uint32)
        tokens = model.generate_many(np.where(seeds == 0, np.uint32(ZERO_STATE), seeds), temperature, threads)
        status = lib.talos_digest(
            model.pointer, ffi.from_buffer("uint32_t[]", seeds), len(seeds), ffi.from_buffer("uint8_t[]", tokens),
            tokens.size, limit, result,
        )  # fmt: skip
        check(status, f"names from seed {seed!r}")
    return Digest(int(result.digest), int(result.steps), int(result.letters))
