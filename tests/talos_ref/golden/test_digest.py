"""The digest of steps: known values, independence of order, and sensitivity to every bit."""

from __future__ import annotations

import random

import pytest

from talos_ref.golden.digest import DIGEST_BITS, STEP_BYTES, add_steps, step_crc
from tests.helpers.streams import seed


def plain_crc32(message: bytes) -> int:
    """Return the CRC-32 of ISO 3309, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in message:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def test_a_step_is_six_bytes() -> None:
    assert plain_crc32(b"123456789") == 0xCBF43926, "the check value of the CRC"
    message = bytes((0x78, 0x56, 0x34, 0x12, 15, 26))
    assert len(message) == STEP_BYTES
    assert step_crc(0x12345678, 15, 26) == plain_crc32(message)


def test_every_bit_counts() -> None:
    draw = random.Random(seed())
    step = (draw.getrandbits(32), draw.getrandbits(8), draw.getrandbits(8))
    for field, bits in enumerate((32, 8, 8)):
        for bit in range(bits):
            other = tuple(value ^ (1 << bit) * (place == field) for place, value in enumerate(step))
            assert step_crc(*other) != step_crc(*step)


def test_order_does_not_count() -> None:
    draw = random.Random(seed())
    steps = [(draw.getrandbits(32), draw.randrange(16), draw.randrange(27)) for _ in range(100)]
    whole = add_steps(0, steps)
    draw.shuffle(steps)
    assert add_steps(add_steps(0, steps[:40]), steps[40:]) == whole < 1 << DIGEST_BITS
    # Twice the same step is not none.
    assert add_steps(whole, steps[:1] * 2) != whole


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ((1 << 32, 0, 0), r"^seed must be 0 to 4294967295, not 4294967296$"),
        ((1, -1, 0), r"^position must be 0 to 255, not -1$"),
        ((1, 0, 256), r"^token must be 0 to 255, not 256$"),
    ],
)
def test_numbers_that_do_not_fit(step: tuple[int, int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        step_crc(*step)
