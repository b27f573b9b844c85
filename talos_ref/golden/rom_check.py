"""The check value of ROMs: what a scrubber reads again and again, and what has to come of it."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

__all__ = ["FOLD_BITS", "fold", "rom_crc"]

FOLD_BITS = 64
"""More than the bits of a word that one memory block holds: 40 in a Cyclone V, 36 in an ECP5."""


def fold(word: int) -> int:
    """Return the exclusive or of a word's pieces of ``FOLD_BITS`` bits, the lowest first."""
    if word < 0:
        raise ValueError(f"word must not be negative, not {word!r}")
    folded = 0
    while word:
        folded ^= word & ((1 << FOLD_BITS) - 1)
        word >>= FOLD_BITS
    return folded


def rom_crc(roms: Iterable[Iterable[int]]) -> int:
    """Return the CRC-32 (as of `talos_ref.golden.digest.step_crc`) of all words of all ROMs in order, each folded to
    eight bytes, the lowest first.

    It differs from that of sound ROMs if

    - one bit has changed,
    - two have, unless they are of one word and a multiple of ``FOLD_BITS`` apart (the polynomial is primitive, and the
      words are fewer than 2^26),
    - any have in one word, all within 32 neighbouring bits of it.

    Other changes escape it with a probability of 2^-32, as long as they leave a trace in a folded word. All do that are
    in one memory block, as those are that a particle makes: it holds fewer bits of a word than are folded.
    """
    return zlib.crc32(b"".join(fold(word).to_bytes(FOLD_BITS // 8, "little") for rom in roms for word in rom))
