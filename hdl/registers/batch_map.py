"""The register map of a core with several streams: batches, counters and digest; identity as in every map."""

from __future__ import annotations

from functools import cache

from hdl.registers.core_name import NAME_BYTES
from hdl.registers.map import RegisterMap
from hdl.registers.published import ID
from hdl.registers.register import Access, Field, Register, flag
from talos_ref.golden.format import Q4_12, Format
from talos_ref.model.config import ModelConfig

__all__ = ["BATCH_VERSION", "batch_map"]

BATCH_VERSION = 0x01000001
"""Of this map. Its upper half is none that the map of a single stream has, so that a host of that one refuses it."""


def _counter(name: str, address: int, description: str) -> Register:
    return Register(
        name=name, address=address, access=Access.READ, count=2,
        description=f"{description} 48 bits, the lower 32 in the first word.",
    )  # fmt: skip


@cache
def batch_map(model: ModelConfig, word: Format = Q4_12) -> RegisterMap:
    """Return the map of all designs with several streams of a model."""
    read, write, both = Access.READ, Access.WRITE, Access.READ_WRITE
    limit = Field("limit", 8, 8, f"letters at most, 1 to {model.max_letters}")
    temperature = Field("temperature", 16, 16, "UQ8.8: 0x0080 is 0.5; 0 is greedy")
    registers = (
        Register(name="id", address=0x00, access=read, description="`MGRT` in ASCII.", reset=ID),
        Register(name="version", address=0x04, access=read, description="Of this map.", reset=BATCH_VERSION),
        Register(
            name="control", address=0x08, access=write, description="Both at once: first clear, then start.",
            fields=(
                flag("start", 0, "begin a batch with seed, count and configuration; refused while one waits"),
                flag("clear", 1, "abandon what runs; counters and errors become 0, and the rest stays"),
            ),
        ),
        Register(
            name="status", address=0x0C, access=read, description="Of the core.",
            fields=(
                flag("waiting", 0, "a batch has not been accepted yet: seeds of the one before are left"),
                flag("busy", 1, "names are under way, or seeds are left"),
                flag("error", 3, "the last batch was illegal, and nothing ran"),
                flag("refused", 4, "start while a batch waits, since the last clear"),
            ),
        ),
        Register(
            name="config", address=0x10, access=both, description="Of the next batch.", fields=(limit, temperature),
            reset=limit.insert(model.max_letters) | temperature.insert(0x80),
        ),
        Register(name="seed", address=0x14, access=both, description="First seed of the next batch.", reset=1),
        Register(
            name="core_name", address=0x190, access=read, description="ASCII, the first character lowest.",
            count=NAME_BYTES // 4, reset=None,
        ),
        Register(name="count", address=0x240, access=both, description="Names of the next batch.", reset=1),
        Register(name="streams", address=0x244, access=read, description="Names in flight.", reset=None),
        Register(
            name="digest", address=0x248, access=read,
            description="Of all steps, since a batch came while the core was idle (`talos_ref/golden/digest.py`).",
        ),
        _counter("cycles", 0x250, "Cycles in which names were under way."),
        _counter("steps", 0x258, "Steps, the one that draws BOS too."),
        _counter("letters", 0x260, "Letters."),
    )  # fmt: skip
    return RegisterMap(model, word, registers)
