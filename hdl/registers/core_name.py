"""A core's name as the words of the register ``core_name``, and back."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["NAME_BYTES", "core_name", "core_name_words"]

NAME_BYTES = 16
"""Bytes that a core's name may take."""


def core_name_words(name: str) -> tuple[int, ...]:
    """Return a core's name as the words of ``core_name``; ValueError unless it is ASCII and not too long."""
    if not name.isascii() or not name.isprintable() or not 1 <= len(name) <= NAME_BYTES:
        raise ValueError(f"name must be 1 to {NAME_BYTES} printable ASCII characters, not {name!r}")
    data = name.encode("ascii").ljust(NAME_BYTES, b"\0")
    return tuple(int.from_bytes(data[at : at + 4], "little") for at in range(0, NAME_BYTES, 4))


def core_name(words: Sequence[int]) -> str:
    """Return the name in the words of ``core_name``; ValueError if they hold anything but ASCII."""
    data = b"".join(word.to_bytes(4, "little") for word in words).rstrip(b"\0")
    if not data.isascii():
        raise ValueError(f"words must hold ASCII characters, not {data!r}")
    return data.decode("ascii")
