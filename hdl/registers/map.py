"""The register map: the one description that the decoder, the C header, the Tcl constants and the page come from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from hdl.core.interface import Stage
from hdl.registers.avalon import ADDRESS_WIDTH
from talos_ref.model.config import MICROGPT

__all__ = [
    "ARITHMETICS",
    "ID",
    "NAME_BYTES",
    "REGISTERS",
    "VERSION",
    "Access",
    "Field",
    "Register",
    "core_name",
    "core_name_words",
    "find_register",
    "register",
]

ID = 0x4D475254
"""What every design with this map answers at address 0: ``MGRT`` in ASCII."""
VERSION = 0x00030001
"""Of the map: TALOS-V2's is 0x00020001. The upper half changes when a host has to, the lower half when one may."""
ARITHMETICS = {"talos-v2": 0, "precise": 1}
"""Name of an arithmetic -> its number."""
NAME_BYTES = 16
"""Bytes that a core's name may take."""


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


@dataclass(frozen=True, kw_only=True)
class Register:
    """One word, or ``count`` of them one after another, at byte ``address``.

    Raises ValueError if the address is no multiple of four in the address space, or fields overlap.
    """

    name: str
    address: int
    access: Access
    description: str
    fields: tuple[Field, ...] = (Field("value", 0, 32, ""),)
    count: int = 1
    reset: int | None = 0
    """What is read after a reset, before anything has run; None where that depends on the design."""

    def __post_init__(self) -> None:
        if self.address % 4 or not 0 <= self.address <= self.last < 1 << ADDRESS_WIDTH:
            raise ValueError(f"register {self.name} must be of whole words below {1 << ADDRESS_WIDTH:#x}")
        bits = [bit for field in self.fields for bit in range(field.low, field.high + 1)]
        if len(bits) != len(set(bits)):
            raise ValueError(f"fields of register {self.name} must not overlap")

    @property
    def last(self) -> int:
        """Byte address of the last word."""
        return self.address + 4 * (self.count - 1)

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


def _flag(name: str, bit: int, description: str) -> Field:
    return Field(name, bit, 1, description)


_TOKEN = Field("token", 0, 8, "")
_LIMIT = Field("limit", 8, 8, f"letters at most, 1 to {MICROGPT.max_letters}")
_TEMPERATURE = Field("temperature", 16, 16, "UQ8.8: 0x0080 is 0.5")

REGISTERS = (
    Register(
        name="id",
        address=0x00,
        access=Access.READ,
        description="`MGRT` in ASCII, most significant byte first.",
        reset=ID,
    ),
    Register(
        name="version",
        address=0x04,
        access=Access.READ,
        description="Of this map. A host that knows another upper half has to refuse.",
        fields=(Field("minor", 0, 16, "grows with additions"), Field("major", 16, 16, "grows with other changes")),
        reset=VERSION,
    ),
    Register(
        name="control",
        address=0x08,
        access=Access.WRITE,
        description="Both at once: first clear, then start.",
        fields=(
            _flag("start", 0, "begin a name with the configuration and seed written last; refused while busy"),
            _flag("clear", 1, "abandon what runs; empty cache, letters, counters, errors; keep configuration and seed"),
        ),
    ),
    Register(
        name="status",
        address=0x0C,
        access=Access.READ,
        description="Of ready, busy and done exactly one is 1, none in a reset.",
        fields=(
            _flag("ready", 0, "nothing was started since the last clear or reset"),
            _flag("busy", 1, "a name or a step runs"),
            _flag("done", 2, "the last name or step has ended or was refused"),
            _flag("error", 3, "a bit of `error` is 1"),
            _flag("toggle", 4, "changes with every access; as it was before this one"),
            _flag("direct", 5, "the last request was a direct step"),
            Field("letters", 16, 8, "letters of the name so far; 0 after a direct step"),
            Field("position", 24, 8, "of the next letter; the one given, for a direct step"),
        ),
        reset=1,
    ),
    Register(
        name="config",
        address=0x10,
        access=Access.READ_WRITE,
        description="For the next start; reads as written.",
        fields=(_LIMIT, _TEMPERATURE),
        reset=_LIMIT.insert(MICROGPT.max_letters) | _TEMPERATURE.insert(0x0080),
    ),
    Register(
        name="seed",
        address=0x14,
        access=Access.READ_WRITE,
        description=(
            "Written: the random state that names start from, until another is written; 0 stands for 0x2545F491. "
            "Read: the random state after the last step, so that a host can go on from there."
        ),
        reset=1,
    ),
    Register(
        name="last",
        address=0x18,
        access=Access.READ,
        description="Of the last step; 0 from a start to its first step.",
        fields=(
            Field("token", 0, 8, "drawn; the argmax, for a direct step"),
            Field("argmax", 8, 8, "token with the largest logit, the first of equals"),
            Field("top_logit", 16, 16, "the largest logit, Q4.12", signed=True),
        ),
    ),
    Register(
        name="bos",
        address=0x1C,
        access=Access.READ,
        description="The token that begins and ends a name.",
        fields=(_TOKEN,),
        reset=MICROGPT.bos,
    ),
    Register(
        name="direct",
        address=0x20,
        access=Access.READ_WRITE,
        description="For the next direct step; reads as written.",
        fields=(
            _flag("enable", 0, "allow direct steps"),
            _flag("clear_cache", 1, "before the step: empty the cache, load the random state from the seed"),
            Field("position", 8, 8, "at most the number of positions in the cache"),
            Field("token", 16, 8, "input"),
        ),
    ),
    Register(
        name="step",
        address=0x24,
        access=Access.WRITE,
        description="A direct step is greedy and leaves the random state alone.",
        fields=(_flag("start", 0, "do the step that `direct` describes; refused while busy"),),
    ),
    Register(
        name="hex",
        address=0x28,
        access=Access.WRITE,
        description="The display fills from HEX5 to HEX0, then moves to the left. What is no letter is not shown.",
        fields=(
            _flag("clear", 0, "blank the display; the push beside it is ignored"),
            _flag("push", 1, "append a letter"),
            Field("token", 8, 8, "the letter"),
        ),
    ),
    Register(
        name="letters",
        address=0x60,
        access=Access.READ,
        description="The name, a letter a word; 0 where there is none yet.",
        fields=(_TOKEN,),
        count=MICROGPT.block_size,
    ),
    Register(
        name="cycles",
        address=0xD8,
        access=Access.READ,
        description="Clock cycles of the last request so far, from its acceptance to its last token.",
    ),
    Register(
        name="tokens_per_second",
        address=0xDC,
        access=Access.READ,
        description=(
            "`letter_count * clock / cycles` of the last request, rounded down; 0 before it has ended, and if it was "
            "refused. A read waits for the division."
        ),
    ),
    Register(
        name="logits",
        address=0x100,
        access=Access.READ,
        description="Of the last finished step, a token a word, Q4.12.",
        fields=(Field("logit", 0, 32, "", signed=True),),
        count=MICROGPT.vocab_size,
    ),
    Register(
        name="arithmetic",
        address=0x180,
        access=Access.READ,
        description=", ".join(f"{number} {name}" for name, number in ARITHMETICS.items()) + ".",
        fields=(Field("arithmetic", 0, 8, ""),),
        reset=None,
    ),
    Register(
        name="clock",
        address=0x184,
        access=Access.READ,
        description="Frequency of the core's clock in Hz.",
        reset=None,
    ),
    Register(
        name="build",
        address=0x188,
        access=Access.READ,
        description="First 32 bits of a SHA-256 over configuration, weights and generator (`build_hash.py`).",
        reset=None,
    ),
    Register(
        name="core_name",
        address=0x190,
        access=Access.READ,
        description="ASCII, the first character in the lowest byte of the first word, zeros behind the last.",
        count=NAME_BYTES // 4,
        reset=None,
    ),
    Register(
        name="temperature",
        address=0x1A0,
        access=Access.READ,
        description=(
            "What the last request is drawn with: `talos-v2` has 0.5, 1, 2 and 4 alone, `precise` nothing between 0 "
            "and 1/16."
        ),
        reset=0x0080,
        fields=(
            Field("temperature", 0, 16, "UQ8.8"),
            _flag("greedy", 16, "the argmax is taken, the temperature plays no part"),
        ),
    ),
    Register(
        name="step_count",
        address=0x1A4,
        access=Access.READ,
        description="Steps of the last request so far, the one that draws BOS too.",
    ),
    Register(
        name="letter_count",
        address=0x1A8,
        access=Access.READ,
        description="Letters that the last request has drawn so far; counts in direct steps too.",
    ),
    Register(
        name="error",
        address=0x1AC,
        access=Access.READ,
        description="What went wrong since the last clear or reset, or start or step while not busy.",
        fields=(
            _flag("illegal_length", 0, "start with a limit that no name can have; nothing ran"),
            _flag("illegal_step", 1, "direct step of a token or position that the core has not; nothing ran"),
            _flag("direct_disabled", 2, "direct step without `direct.enable`; nothing ran"),
            _flag("busy", 3, "start or direct step while busy; ignored"),
            _flag("read_only", 4, "write to a register that can only be read; ignored"),
            _flag("unmapped", 5, "read (answered with 0) or write (ignored) where there is no register"),
            _flag("partial_write", 6, "write with less than all four byte enables; ignored"),
        ),
    ),
    Register(
        name="machine",
        address=0x1B0,
        access=Access.READ,
        description="What a host cannot change.",
        fields=(
            _flag("reset", 0, "the machine is held in reset: reads are answered, writes do nothing"),
            _flag("enable", 1, "the enable input (SW0)"),
        ),
        reset=None,
    ),
    Register(
        name="stage_cycles",
        address=0x1C0,
        access=Access.READ,
        description=(
            "What `cycles` were spent on; they add up to it: "
            + ", ".join(f"{stage.value} {stage.name.lower()}" for stage in Stage)
            + "."
        ),
        count=len(Stage),
    ),
)
"""The map, in the order of addresses; everything else is unmapped."""

_BY_NAME = {entry.name: entry for entry in REGISTERS}
_BY_ADDRESS = {entry.at(index): (entry, index) for entry in REGISTERS for index in range(entry.count)}


def register(name: str) -> Register:
    """Return a register; ValueError if there is none of that name."""
    if name not in _BY_NAME:
        raise ValueError(f"register must be one of {', '.join(_BY_NAME)}, not {name!r}")
    return _BY_NAME[name]


def find_register(address: int) -> tuple[Register, int] | None:
    """Return the register at a byte address (its lowest two bits are ignored) and the word's index, or None."""
    return _BY_ADDRESS.get(address & ~3)


def core_name_words(name: str) -> tuple[int, ...]:
    """Return a core's name as the words of ``core_name``; ValueError unless it is ASCII and not too long."""
    if not name.isascii() or not name.isprintable() or not 1 <= len(name) <= NAME_BYTES:
        raise ValueError(f"name must be 1 to {NAME_BYTES} printable ASCII characters, not {name!r}")
    data = name.encode("ascii").ljust(NAME_BYTES, b"\0")
    return tuple(int.from_bytes(data[at : at + 4], "little") for at in range(0, NAME_BYTES, 4))


def core_name(words: tuple[int, ...] | list[int]) -> str:
    """Return the name in the words of ``core_name``; ValueError if they hold anything but ASCII."""
    data = b"".join(word.to_bytes(4, "little") for word in words).rstrip(b"\0")
    if not data.isascii():
        raise ValueError(f"words must hold ASCII characters, not {data!r}")
    return data.decode("ascii")
