"""Frames of the register bus on a serial line: one description for circuit, host and tests (see README.md here)."""

from __future__ import annotations

import enum
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.lib import data
from amaranth.lib.crc import catalog

from hdl.registers.places import ADDRESS_WIDTH

__all__ = [
    "ANSWER",
    "BAUD",
    "BURST_WORDS",
    "CRC",
    "CRC_BYTES",
    "MAX_BODY",
    "READ_BODY",
    "REQUEST",
    "SILENCE_BITS",
    "SYNC",
    "Answer",
    "Opcode",
    "Status",
    "find_frame",
    "frame",
    "parse_answer",
    "read_request",
    "write_request",
]

BAUD = 115_200
"""Bits a second where nothing else is said: what every adapter and terminal program has."""

SYNC = 0xF5
"""First byte of a frame. UTF-8 has no such byte, so that frames and lines of text can share a line; nor can it be a
length."""

BURST_WORDS = 32
"""Words of 32 bits that a frame carries at most."""

SILENCE_BITS = 2048
"""Time without a byte, in bits, after which an unfinished request is given up: 18 ms at 115,200 bits a second."""

CRC = catalog.CRC32_ISO_HDLC
"""The check at the end of a frame, over everything behind SYNC: the CRC-32 of Ethernet, and of Python's zlib."""
CRC_BYTES = 4


class Opcode(enum.IntEnum):
    """What a request asks for."""

    READ = 0x01
    WRITE = 0x02


class Status(enum.IntEnum):
    """What an answer says. No status is an opcode: a request that comes back as an echo is no answer."""

    DONE = 0x81
    REFUSED = 0x82
    """The frame was whole, but there is no such request; nothing was done."""


REQUEST = data.StructLayout({"opcode": 8, "sequence": 8, "address": 16})
"""The beginning of a request, the first byte lowest."""
ANSWER = data.StructLayout({"status": 8, "sequence": 8})
"""The beginning of an answer."""

_REQUEST_BYTES, _ANSWER_BYTES = REQUEST.size // 8, ANSWER.size // 8
READ_BODY = _REQUEST_BYTES + 1
"""Bytes from opcode to count of a read: the shortest request."""
MAX_BODY = _REQUEST_BYTES + 4 * BURST_WORDS
"""Bytes from opcode to last word of the longest write: the longest of all frames."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    sequence: int
    words: tuple[int, ...]


def frame(body: bytes) -> bytes:
    """Return a body with SYNC and length before it and the CRC behind it; ValueError if it is too long."""
    if len(body) > MAX_BODY:
        raise ValueError(f"body must have at most {MAX_BODY} bytes, not {len(body)}")
    checked = bytes([len(body)]) + body
    return bytes([SYNC]) + checked + zlib.crc32(checked).to_bytes(CRC_BYTES, "little")


def read_request(sequence: int, address: int, count: int) -> bytes:
    """Return the frame that asks for ``count`` words from a byte address on.

    Raises ValueError if the bus has not that many words there, or a frame cannot carry them.
    """
    return frame(_request(Opcode.READ, sequence, address, count) + bytes([count]))


def write_request(sequence: int, address: int, words: Sequence[int]) -> bytes:
    """Return the frame that writes words from a byte address on. Errors as `read_request`, and for a word too large."""
    head = _request(Opcode.WRITE, sequence, address, len(words))
    for word in words:
        if not 0 <= word < 1 << 32:
            raise ValueError(f"word must be 0 to 0xffffffff, not {word:#x}")
    return frame(head + b"".join(word.to_bytes(4, "little") for word in words))


def _request(opcode: Opcode, sequence: int, address: int, count: int) -> bytes:
    if not 1 <= count <= BURST_WORDS:
        raise ValueError(f"a request must be of 1 to {BURST_WORDS} words, not {count}")
    if address % 4 or not 0 <= address <= (1 << ADDRESS_WIDTH) - 4 * count:
        end = 1 << ADDRESS_WIDTH
        raise ValueError(f"address must be a multiple of 4, with {count} words below {end:#x}, not {address:#x}")
    if not 0 <= sequence < 1 << 8:
        raise ValueError(f"sequence must be 0 to 255, not {sequence}")
    fields = {"opcode": opcode, "sequence": sequence, "address": address}
    return int(REQUEST.const(fields).as_value().value).to_bytes(_REQUEST_BYTES, "little")


def find_frame(received: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Return what came before the first whole frame, its body, and what came behind it; None if there is none.

    A SYNC that begins no frame, or one that is damaged, hides none behind it.
    """
    at = received.find(SYNC)
    while at >= 0:
        length = received[at + 1] if at + 1 < len(received) else SYNC
        end = at + 2 + length
        checked, check = received[at + 1 : end], received[end : end + CRC_BYTES]
        # Behind a frame that is not whole yet the slices are too short to be right.
        if length <= MAX_BODY and check == zlib.crc32(checked).to_bytes(CRC_BYTES, "little"):
            return received[:at], checked[1:], received[end + CRC_BYTES :]
        at = received.find(SYNC, at + 1)
    return None


def parse_answer(body: bytes) -> Answer | None:
    """Return the answer in a frame's body; None if it is none, such as the echo of a request."""
    words = body[_ANSWER_BYTES:]
    if len(body) < _ANSWER_BYTES or len(words) % 4 or body[0] not in list(Status):
        return None
    head = ANSWER.from_bits(int.from_bytes(body[:_ANSWER_BYTES], "little"))
    values = tuple(int.from_bytes(words[index : index + 4], "little") for index in range(0, len(words), 4))
    return Answer(status=head.status, sequence=head.sequence, words=values)
