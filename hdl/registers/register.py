"""One register of the map: its address, what a host may do with it, and the fields of its word."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["Access", "Field", "Register", "flag"]


class Access(Enum):
    """What a host may do with a register; the value is what the page says."""

    READ = "read"
    WRITE = "write"
    READ_WRITE = "read, write"

    @property
    def readable(self) -> bool:
        """Whether a read is answered with more than 0."""
        return self is not Access.WRITE

    @property
    def writable(self) -> bool:
        """Whether a write has an effect other than an error."""
        return self is not Access.READ


@dataclass(frozen=True)
class Field:
    """``width`` bits of a register from bit ``low`` up; ValueError if they do not fit into a word."""

    name: str
    low: int
    width: int
    description: str
    signed: bool = False

    def __post_init__(self) -> None:
        if self.width < 1 or self.low < 0 or self.low + self.width > 32:
            raise ValueError(f"field {self.name} must lie in bits 31..0, not {self.low + self.width - 1}..{self.low}")

    @property
    def high(self) -> int:
        """The topmost bit."""
        return self.low + self.width - 1

    @property
    def mask(self) -> int:
        """Ones where the field is."""
        return ((1 << self.width) - 1) << self.low

    def insert(self, value: int) -> int:
        """Return the word with ``value`` in this field and 0 elsewhere; ValueError unless it fits."""
        least = -(1 << (self.width - 1)) if self.signed else 0
        if not least <= value < least + (1 << self.width):
            raise ValueError(f"{self.name} must be {least} to {least + (1 << self.width) - 1}, not {value!r}")
        return (value << self.low) & self.mask

    def extract(self, word: int) -> int:
        """Return the value of this field in a word of 32 bits."""
        value = (word & self.mask) >> self.low
        return value - (1 << self.width) if self.signed and value >> (self.width - 1) else value


def flag(name: str, bit: int, description: str) -> Field:
    """Return a field of one bit."""
    return Field(name, bit, 1, description)


@dataclass(frozen=True, kw_only=True)
class Register:
    """One word, or ``count`` of them one after another, at byte ``address``.

    Raises ValueError if the address is no multiple of four, there is no word, or fields overlap.
    """

    name: str
    address: int
    access: Access
    description: str
    fields: tuple[Field, ...] = (Field("value", 0, 32, ""),)
    count: int = 1
    reset: int | None = 0
    """What is read after a reset, before anything has run; None where it is not of the map but of the core or board."""

    def __post_init__(self) -> None:
        if self.address % 4 or self.address < 0:
            raise ValueError(f"address of register {self.name} must be a multiple of 4, not {self.address!r}")
        if self.count < 1:
            raise ValueError(f"count of register {self.name} must be positive, not {self.count!r}")
        bits = [bit for field in self.fields for bit in range(field.low, field.high + 1)]
        if len(bits) != len(set(bits)):
            raise ValueError(f"fields of register {self.name} must not overlap")

    @property
    def last(self) -> int:
        """Byte address of the last word."""
        return self.address + 4 * (self.count - 1)

    @property
    def addresses(self) -> range:
        """Byte addresses of all words."""
        return range(self.address, self.last + 1, 4)

    def at(self, index: int) -> int:
        """Return the byte address of word ``index``; IndexError unless there is one."""
        if not 0 <= index < self.count:
            raise IndexError(f"index of {self.name} must be 0 to {self.count - 1}, not {index!r}")
        return self.address + 4 * index

    def field(self, name: str) -> Field:
        """Return a field; ValueError if there is none of that name."""
        for field in self.fields:
            if field.name == name:
                return field
        raise ValueError(f"field of {self.name} must be one of {', '.join(f.name for f in self.fields)}, not {name!r}")

    def encode(self, **values: int) -> int:
        """Return the word with the named fields set and 0 elsewhere."""
        word = 0
        for name, value in values.items():
            word |= self.field(name).insert(value)
        return word

    def decode(self, word: int) -> dict[str, int]:
        """Return field name -> value of a word of 32 bits."""
        return {field.name: field.extract(word) for field in self.fields}
