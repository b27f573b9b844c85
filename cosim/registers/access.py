"""Accesses of an initiator to the registers, what is seen beside the bus, and answers that are wrong."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Access", "Ports", "RegisterMismatch"]


@dataclass(frozen=True)
class Access:
    """One access of an initiator."""

    address: int
    write: bool = False
    data: int = 0
    enables: int = 0xF

    def __str__(self) -> str:
        if self.write:
            return f"write of 0x{self.data:08X} to 0x{self.address:03X}, byte enables {self.enables:04b}"
        return f"read of 0x{self.address:03X}"


@dataclass(frozen=True)
class Ports:
    """Outputs beside the bus, in one cycle."""

    ready: int
    busy: int
    done: int
    activity: int
    last_token: int
    display: tuple[int, int, int]
    """``clear``, ``push``, ``token``."""


@dataclass(frozen=True)
class RegisterMismatch:
    """An answer that the model cannot explain."""

    access: int
    """Number of the access, from 0."""
    cycle: int
    what: str
    expected: str
    actual: str

    def __str__(self) -> str:
        return f"access {self.access}, cycle {self.cycle}: {self.what}: must be {self.expected}, not {self.actual}"
