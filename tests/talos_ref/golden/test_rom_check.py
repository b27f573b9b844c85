"""The check value of ROMs beside CRC-32 as a shift register, and the changes that it has to show."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from talos_ref.golden.rom_check import FOLD_BITS, fold, rom_crc
from tests.helpers.streams import seed

_POLYNOMIAL = 0xEDB88320


def shifted(bits: list[int]) -> int:
    """Return the CRC-32 of bits, one at a time."""
    crc = 0xFFFFFFFF
    for bit in bits:
        crc = (crc >> 1) ^ (_POLYNOMIAL if (crc ^ bit) & 1 else 0)
    return crc ^ 0xFFFFFFFF


def test_the_shift_register() -> None:
    draw = random.Random(seed())
    roms = [[draw.getrandbits(width) for _ in range(depth)] for width, depth in ((1, 1), (64, 3), (65, 2), (432, 9))]
    bits = []
    for rom in roms:
        for word in rom:
            text = f"{word:0448b}"[::-1]
            bits += [sum(int(bit) for bit in text[place::FOLD_BITS]) % 2 for place in range(FOLD_BITS)]
    assert rom_crc(roms) == shifted(bits)
    assert rom_crc([[0x3938373635343332 | 0x31 << 8 * 8]]) == shifted(
        [(0x3938373635343332 ^ 0x31) >> place & 1 for place in range(64)]
    )


def test_what_is_shown() -> None:
    """Every bit of a word, and every two that are not a multiple of 64 apart: those cancel, as is said."""
    words = [random.Random(seed()).getrandbits(150) for _ in range(4)]
    crc = rom_crc([words])
    for bit in range(150):
        assert rom_crc([[words[0] ^ 1 << bit, *words[1:]]]) != crc
    for one, other in combinations(range(150), 2):
        same = rom_crc([[*words[:3], words[3] ^ 1 << one ^ 1 << other]]) == crc
        assert same == ((other - one) % FOLD_BITS == 0)


def test_order_and_sign() -> None:
    assert rom_crc([[1, 2]]) != rom_crc([[2, 1]])
    assert rom_crc([[1], [2]]) == rom_crc([[1, 2]])
    with pytest.raises(ValueError, match=r"^word must not be negative, not -1$"):
        fold(-1)
