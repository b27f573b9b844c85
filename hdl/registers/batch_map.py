"""The register map of a core with several streams: batches, counters and digest; identity as in every map."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from hdl.registers.map import RegisterMap, register_map
from hdl.registers.published import ROM_CORRUPT
from hdl.registers.register import Access, Field, Register, flag
from talos_ref.golden.format import Q4_12, Format
from talos_ref.model.config import ModelConfig

__all__ = ["BATCH_VERSION", "batch_map"]

BATCH_VERSION = 0x01000003
"""Of this map. Its upper half is none that the map of a single stream has, so that a host of that one refuses it."""

_SHARED = ("id", "arithmetic", "clock", "build", "core_name", "machine", "rom_passes", "dimensions", "word_format")
"""Registers that are the same in every map."""


def _counter(name: str, address: int, description: str) -> Register:
    return Register(
        name=name, address=address, access=Access.READ, count=2,
        description=f"{description} 48 bits, the lower 32 in the first word; to be read while not busy.",
    )  # fmt: skip


@cache
def batch_map(model: ModelConfig, word: Format = Q4_12) -> RegisterMap:
    """Return the map of all designs with several streams of a model whose logits have the format ``word``."""
    single = register_map(model, word)
    shared = (single.register(name) for name in _SHARED)
    version = replace(single.register("version"), reset=BATCH_VERSION)
    registers = (*shared, version, *_control(model), *_results())
    return RegisterMap(model, word, tuple(sorted(registers, key=lambda entry: entry.address)))


def _control(model: ModelConfig) -> tuple[Register, ...]:
    """Commands, status, and what the next batch is made of."""
    read, write, both = Access.READ, Access.WRITE, Access.READ_WRITE
    limit = Field("limit", 8, 8, f"letters of a name at most, 1 to {model.max_letters}")
    temperature = Field("temperature", 16, 16, "UQ8.8: 0x0080 is 0.5; 0 is greedy")
    return (
        Register(
            name="control", address=0x08, access=write, description="Both at once: first clear, then start.",
            fields=(
                flag("start", 0, "begin a batch with seed, count and configuration; refused while one waits"),
                flag("clear", 1, "abandon what runs; counters, digest and errors become 0, and the rest stays"),
            ),
        ),
        Register(
            name="status", address=0x0C, access=read, reset=1,
            description="Of ready, busy and done exactly one is 1, none in a reset.",
            fields=(
                flag("ready", 0, "nothing was started since the last clear or reset"),
                flag("busy", 1, "names are under way, or seeds are left, or a batch waits"),
                flag("done", 2, "all batches have ended or were refused"),
                flag("error", 3, "a bit of `error` is 1"),
                flag("toggle", 4, "changes with every access; as it was before this one"),
                flag("waiting", 5, "a batch has not been accepted yet: seeds of the one before are left"),
                flag("rom_corrupt", 6, ROM_CORRUPT),
            ),
        ),
        Register(
            name="config", address=0x10, access=both, description="Of the next batch; reads as written.",
            fields=(limit, temperature), reset=limit.insert(model.max_letters) | temperature.insert(0x80),
        ),
        Register(name="seed", address=0x14, access=both, description="First seed of the next batch.", reset=1),
        Register(
            name="error", address=0x1AC, access=read,
            description="What went wrong since the last clear or reset, or start while not busy.",
            fields=(
                flag("illegal_batch", 0, "batch of no names, or with a limit that no name can have; nothing ran"),
                flag("busy", 3, "start while a batch waits; ignored"),
                flag("time_out", 7, "no step has ended in time; batches were abandoned, and the core cleared"),
                flag("miscounted", 8, "more or fewer names than were asked for; as `time_out`"),
            ),
        ),
        Register(name="count", address=0x240, access=both, description="Names of the next batch.", reset=1),
    )  # fmt: skip


def _results() -> tuple[Register, ...]:
    """What batches leave behind."""
    return (
        Register(
            name="streams", address=0x244, access=Access.READ, description="Names in flight at most.", reset=None
        ),
        Register(
            name="digest", address=0x248, access=Access.READ,
            description="Of all steps, since a batch came while the core was idle (`talos_ref/golden/digest.py`).",
        ),
        Register(
            name="left", address=0x24C, access=Access.READ,
            description="Names of accepted batches that have not ended, the lower 32 bits of their number.",
        ),
        _counter("cycles", 0x250, "Cycles in which names were under way."),
        _counter("step_count", 0x258, "Steps, the one that draws BOS too."),
        _counter("letter_count", 0x260, "Letters."),
    )  # fmt: skip
