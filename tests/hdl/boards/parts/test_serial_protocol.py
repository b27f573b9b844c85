"""Frames as bytes: both ways, in noise, and as the page shows them."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest

from hdl.boards.parts import serial_protocol
from hdl.boards.parts.serial_protocol import (
    BURST_WORDS,
    CRC,
    MAX_BODY,
    SYNC,
    Answer,
    Status,
    find_frame,
    frame,
    parse_answer,
    read_request,
    write_request,
)
from tests.helpers.streams import seed

PAGE = Path(serial_protocol.__file__).with_name("README.md").read_text(encoding="utf-8")


def test_the_page() -> None:
    """The frames that README.md shows."""
    shown = dict(re.findall(r"^(request|answer) +((?:[0-9A-F]{2} ?)+)$", PAGE, re.M))
    assert bytes.fromhex(shown["request"]) == read_request(7, 0x10, 3)
    found = find_frame(bytes.fromhex(shown["answer"]))
    assert found is not None
    assert (found[0], found[2]) == (b"", b"")
    assert parse_answer(found[1]) == Answer(status=Status.DONE, sequence=7, words=(1, 2, 3))


def test_bytes() -> None:
    assert read_request(7, 0xFFC, 1)[:-4] == bytes.fromhex("f5 05 01 07 fc 0f 01")
    assert write_request(8, 0x010, [0x04030201])[:-4] == bytes.fromhex("f5 08 02 08 10 00 01 02 03 04")
    assert len(write_request(8, 0, [0] * BURST_WORDS)) == 2 + MAX_BODY + 4


def test_the_crc_is_the_one_of_the_circuit() -> None:
    rng = random.Random(seed())
    for _ in range(50):
        data = frame(rng.randbytes(rng.randrange(MAX_BODY + 1)))
        assert int.from_bytes(data[-4:], "little") == CRC(data_width=8).compute(data[1:-4])


def test_a_frame_is_found_in_noise() -> None:
    rng = random.Random(seed())
    for _ in range(500):
        body = bytes(rng.choice([SYNC, rng.randrange(256)]) for _ in range(rng.randrange(2, MAX_BODY)))
        before = bytes(rng.choice([SYNC, rng.randrange(256)]) for _ in range(rng.randrange(200)))
        after = rng.randbytes(rng.randrange(10))
        whole = frame(body)
        assert find_frame(before + whole + after) == (before, body, after)
        cut = rng.randrange(len(whole))
        assert find_frame(before + whole[:cut]) is None
        at, bit = rng.randrange(len(whole)), 1 << rng.randrange(8)
        assert find_frame(before + whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :]) is None


def test_text_is_no_frame() -> None:
    for letter in map(chr, [*range(0x800), *range(0xE000, 0x110000, 97)]):
        assert SYNC not in letter.encode()
    assert find_frame(b"kelyn\r\n" + frame(b"\x81\x00")) == (b"kelyn\r\n", b"\x81\x00", b"")


def test_what_is_no_answer() -> None:
    for request in (read_request(1, 0, 1), write_request(1, 0, [5])):
        found = find_frame(request)
        assert found is not None
        assert parse_answer(found[1]) is None, "an echo"
    assert parse_answer(b"\x81") is None
    assert parse_answer(b"\x81\x01\x02") is None


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: read_request(1, 0, 0), "a request must be of 1 to 32 words, not 0"),
        (lambda: read_request(1, 0, 33), "a request must be of 1 to 32 words, not 33"),
        (lambda: read_request(1, 2, 1), "address must be a multiple of 4, with 1 words below 0x1000, not 0x2"),
        (lambda: read_request(1, 0xFFC, 2), "address must be a multiple of 4, with 2 words below 0x1000, not 0xffc"),
        (lambda: read_request(1, -4, 1), "address must be a multiple of 4, with 1 words below 0x1000, not -0x4"),
        (lambda: read_request(256, 0, 1), "sequence must be 0 to 255, not 256"),
        (lambda: write_request(1, 0, [1 << 32]), "word must be 0 to 0xffffffff, not 0x100000000"),
        (lambda: frame(bytes(MAX_BODY + 1)), "body must have at most 132 bytes, not 133"),
    ],
)
def test_refused(call: Any, text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        call()
