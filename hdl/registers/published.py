"""TALOS-V2's registers, at its addresses; what follows the model in them follows ours."""

from __future__ import annotations

from hdl.registers.places import LETTERS, LOGITS
from hdl.registers.register import Access, Field, Register, flag
from talos_ref.golden.format import Format
from talos_ref.model.config import ModelConfig

__all__ = ["ID", "ROM_CORRUPT", "TEMPERATURE", "TOP_LOGIT_BITS", "VERSION", "published_registers"]

ID = 0x4D475254
"""What every design with this map answers at address 0: ``MGRT`` in ASCII."""
VERSION = 0x00030003
"""Of the map: TALOS-V2's is 0x00020001. The upper half changes when a host has to, the lower half when one may."""
TEMPERATURE = 0x0080
"""UQ8.8: 0.5, TALOS-V2's after a reset."""
ROM_CORRUPT = "a ROM does not hold what it was made with; until the next reset, and only with `machine.scrubber`"
"""What a bit of ``status`` says in every map."""
TOP_LOGIT_BITS = 16
"""Of the logit in ``last``."""


def published_registers(model: ModelConfig, word: Format) -> tuple[Register, ...]:
    """Return the registers below 0x180, and those that move out of there, in any order."""
    return (*_control(model), *_results(model, word), *_direct(model))


def _control(model: ModelConfig) -> tuple[Register, ...]:
    """Identity, control, status and configuration."""
    limit = Field("limit", 8, 8, f"letters at most, 1 to {model.max_letters}")
    temperature = Field("temperature", 16, 16, "UQ8.8: 0x0080 is 0.5")
    return (
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
                flag("start", 0, "begin a name with the configuration and seed written last; refused while busy"),
                flag(
                    "clear", 1, "abandon what runs; empty cache, letters, counters, errors; keep configuration and seed"
                ),
            ),
        ),
        Register(
            name="status",
            address=0x0C,
            access=Access.READ,
            description="Of ready, busy and done exactly one is 1, none in a reset.",
            fields=(
                flag("ready", 0, "nothing was started since the last clear or reset"),
                flag("busy", 1, "a name or a step runs"),
                flag("done", 2, "the last name or step has ended or was refused"),
                flag("error", 3, "a bit of `error` is 1"),
                flag("toggle", 4, "changes with every access; as it was before this one"),
                flag("direct", 5, "the last request was a direct step"),
                flag("rom_corrupt", 6, ROM_CORRUPT),
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
            fields=(limit, temperature),
            reset=limit.insert(model.max_letters) | temperature.insert(TEMPERATURE),
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
    )


def _results(model: ModelConfig, word: Format) -> tuple[Register, ...]:
    """What steps and names leave behind."""
    whole = word.width <= TOP_LOGIT_BITS
    limited = "" if whole else f", limited to {TOP_LOGIT_BITS} bits; `top_logit` is not"
    return (
        Register(
            name="last",
            address=0x18,
            access=Access.READ,
            description="Of the last step; 0 from a start to its first step.",
            fields=(
                Field("token", 0, 8, "drawn; the argmax, for a direct step"),
                Field("argmax", 8, 8, "token with the largest logit, the first of equals"),
                Field("top_logit", 16, TOP_LOGIT_BITS, f"the largest logit, {word}{limited}", signed=True),
            ),
        ),
        Register(
            name="bos",
            address=0x1C,
            access=Access.READ,
            description="The token that begins and ends a name.",
            fields=(Field("token", 0, 8, ""),),
            reset=model.bos,
        ),
        Register(
            name="letters",
            address=LETTERS.address(model.block_size),
            access=Access.READ,
            description="The name, a letter a word; 0 where there is none yet.",
            fields=(Field("token", 0, 8, ""),),
            count=model.block_size,
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
                "`letter_count * clock / cycles` of the last request, rounded down; 0 before it has ended, and if it "
                "was refused. A read waits for the division."
            ),
        ),
        Register(
            name="logits",
            address=LOGITS.address(model.vocab_size),
            access=Access.READ,
            description=f"Of the last finished step, a token a word, {word}.",
            fields=(Field("logit", 0, 32, "", signed=True),),
            count=model.vocab_size,
        ),
    )


def _direct(model: ModelConfig) -> tuple[Register, ...]:
    """Direct steps, and the display."""
    return (
        Register(
            name="direct",
            address=0x20,
            access=Access.READ_WRITE,
            description="For the next direct step; reads as written.",
            fields=(
                flag("enable", 0, "allow direct steps"),
                flag("clear_cache", 1, "before the step: empty the cache, load the random state from the seed"),
                Field("position", 8, 8, "at most the number of positions in the cache"),
                Field("token", 16, 8, "input"),
            ),
        ),
        Register(
            name="step",
            address=0x24,
            access=Access.WRITE,
            description="A direct step is greedy and leaves the random state alone.",
            fields=(flag("start", 0, "do the step that `direct` describes; refused while busy"),),
        ),
        Register(
            name="hex",
            address=0x28,
            access=Access.WRITE,
            description=(
                "For the board's display, if it has one, which shows the last letters. A token that is no letter is "
                "ignored; a letter that seven segments cannot form is a blank."
            ),
            fields=(
                flag("clear", 0, "blank the display; the push beside it is ignored"),
                flag("push", 1, "append a letter"),
                Field("token", 8, 8, "the letter"),
            ),
        ),
    )
