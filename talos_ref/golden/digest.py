"""A digest of sampled steps that does not depend on their order: one number that stands for a billion steps."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

__all__ = ["DIGEST_BITS", "STEP_BYTES", "add_steps", "step_crc"]

DIGEST_BITS = 32
STEP_BYTES = 6
"""Bytes of a step: seed (4), position (1), token (1)."""


def step_crc(seed: int, position: int, token: int) -> int:
    """Return the CRC-32 of a step: of the seed of its name, its position and the token that it drew.

        crc32(seed mod 256, seed >> 8 mod 256, seed >> 16 mod 256, seed >> 24, position, token)

    CRC-32 is that of ISO 3309, of zlib and of Ethernet: polynomial 0x04C11DB7 reflected, from all ones, inverted at the
    end. Raises ValueError if a number does not fit its bytes.
    """
    for name, value, bits in (("seed", seed, 32), ("position", position, 8), ("token", token, 8)):
        if not 0 <= value < 1 << bits:
            raise ValueError(f"{name} must be 0 to {(1 << bits) - 1}, not {value!r}")
    return zlib.crc32(seed.to_bytes(4, "little") + bytes((position, token)))


def add_steps(digest: int, steps: Iterable[tuple[int, int, int]]) -> int:
    """Return ``digest`` with steps (seed, position, token) added: the sum of their CRC-32 modulo 2^32, from 0 on.

    A sum is the same in every order, so that it does not matter which of many names ends first; and unlike an exclusive
    or it does not lose a step that comes twice.
    """
    return (digest + sum(step_crc(*step) for step in steps)) % (1 << DIGEST_BITS)
