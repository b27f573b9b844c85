"""The registers that TALOS-V2 has not: what the design is, what is counted, what went wrong."""

from __future__ import annotations

from hdl.core.interface import Stage
from hdl.registers.core_name import NAME_BYTES
from hdl.registers.places import LETTERS, LOGITS
from hdl.registers.published import TEMPERATURE
from hdl.registers.register import Access, Field, Register, flag
from talos_ref.golden.arithmetic import ARITHMETIC_NUMBERS, ARITHMETICS
from talos_ref.golden.format import Format
from talos_ref.model.config import ModelConfig

__all__ = ["added_registers"]


def added_registers(model: ModelConfig, word: Format) -> tuple[Register, ...]:
    """Return the registers from 0x180 on, in the order of addresses; all are at the same place in every design."""
    return (*_core(), *_request(), *_design(model, word))


def _core() -> tuple[Register, ...]:
    """Which core this is."""
    return (
        Register(
            name="arithmetic",
            address=0x180,
            access=Access.READ,
            description=", ".join(f"{ARITHMETIC_NUMBERS[name]} {name}" for name in ARITHMETICS) + ".",
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
            description="32 bits of a SHA-256 over design and generator (`hdl/build_cache.py`).",
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
    )


def _request() -> tuple[Register, ...]:
    """The last request."""
    stages = ", ".join(f"{stage.value} {stage.name.lower()}" for stage in Stage)
    return (
        Register(
            name="temperature",
            address=0x1A0,
            access=Access.READ,
            description=(
                "What the last request is drawn with: `talos-v2` has 0.5, 1, 2 and 4 alone, `precise` nothing between "
                "0 and 1/16, `folded` nothing above 16 either."
            ),
            reset=TEMPERATURE,
            fields=(
                Field("temperature", 0, 16, "UQ8.8"),
                flag("greedy", 16, "the argmax is taken, the temperature plays no part"),
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
                flag("illegal_length", 0, "start with a limit that no name can have; nothing ran"),
                flag("illegal_step", 1, "direct step of a token or position that the core has not; nothing ran"),
                flag("direct_disabled", 2, "direct step without `direct.enable`; nothing ran"),
                flag("busy", 3, "start or direct step while busy; ignored"),
                flag("read_only", 4, "write to a register that can only be read; ignored"),
                flag("unmapped", 5, "read (answered with 0) or write (ignored) where there is no register"),
                flag("partial_write", 6, "write with less than all four byte enables; ignored"),
                flag("time_out", 7, "request that did not end in time; it was ended, and the core cleared"),
            ),
        ),
        Register(
            name="machine",
            address=0x1B0,
            access=Access.READ,
            description="What a host cannot change.",
            fields=(
                flag("reset", 0, "the machine is held in reset: reads are answered, writes do nothing"),
                flag("enable", 1, "the enable input, a switch of the board"),
                flag("scrubber", 2, "the ROMs are read over and over while nothing runs"),
            ),
            reset=None,
        ),
        Register(
            name="rom_passes",
            address=0x1B4,
            access=Access.READ,
            description=(
                "How often the scrubber has read all ROMs since the last reset, modulo 2^32; one that is interrupted "
                "does not count. 0 without a scrubber."
            ),
        ),
        Register(
            name="stage_cycles",
            address=0x1C0,
            access=Access.READ,
            description=f"What `cycles` were spent on; they add up to it: {stages}.",
            count=len(Stage),
        ),
    )


def _design(model: ModelConfig, word: Format) -> tuple[Register, ...]:
    """What a host has to know to read the rest."""
    dimensions = (
        Field("vocab_size", 0, 16, "tokens, BOS included; the words of `logits`"),
        Field("block_size", 16, 16, "positions of the model; the words of `letters`"),
    )
    number = (Field("width", 0, 8, "bits, the sign included"), Field("fraction", 8, 8, "bits below the binary point"))
    places = (Field("letters", 0, 16, ""), Field("logits", 16, 16, ""))
    return (
        Register(
            name="dimensions",
            address=0x200,
            access=Access.READ,
            description="Of the model.",
            fields=dimensions,
            reset=dimensions[0].insert(model.vocab_size) | dimensions[1].insert(model.block_size),
        ),
        Register(
            name="word_format",
            address=0x204,
            access=Access.READ,
            description="Of a logit, signed fixed point.",
            fields=number,
            reset=number[0].insert(word.width) | number[1].insert(word.fraction),
        ),
        Register(
            name="places",
            address=0x208,
            access=Access.READ,
            description=(
                f"Byte addresses of `letters` (0x{LETTERS.low:03X} if they end below 0x{LETTERS.end:03X}, else "
                f"0x{LETTERS.above:03X}) and `logits` (0x{LOGITS.low:03X} if they end below 0x{LOGITS.end:03X}, else "
                f"0x{LOGITS.above:03X}); all other addresses are those of every design."
            ),
            fields=places,
            reset=places[0].insert(LETTERS.address(model.block_size))
            | places[1].insert(LOGITS.address(model.vocab_size)),
        ),
        Register(
            name="top_logit",
            address=0x20C,
            access=Access.READ,
            description=f"The largest logit of the last step, {word}; 0 from a start to its first step.",
            fields=(Field("logit", 0, 32, "", signed=True),),
        ),
    )
