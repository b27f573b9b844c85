"""What a core is made for: the parts of a device that its shape follows from."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Chip"]


@dataclass(frozen=True, kw_only=True)
class Chip:
    """DSP blocks and memory blocks of a device, and how much logic goes between two registers."""

    part: str
    """Order code, for messages."""
    dsp_blocks: int
    """Each two products of 18 × 18 bits or a bit more, or the sum of two."""
    memory_blocks: int
    block_kind: str
    """Name of a memory block, for messages."""
    block_shapes: tuple[tuple[int, int], ...]
    """(words, bits) that a memory block may be."""
    least_fill: int
    """Percent of its blocks that a memory must fill; synthesis leaves a smaller one to logic."""
    table_depth: int = 0
    """Words up to which a memory goes into tables, however wide it is."""
    short_paths: bool = False
    """Cores of one stream get the registers that cut their longest paths (``tile_register``, ``attention_registers``,
    ``sampler_register``) whatever they cost in cycles: the device takes longer for a path than the clock allows without
    them."""

    def blocks(self, depth: int, width: int) -> int:
        """Return the memory blocks that ``depth`` words of ``width`` bits take; 0 if they are left to logic."""
        if depth <= self.table_depth:
            return 0
        best = (-1, 0)
        for words, bits in self.block_shapes:
            blocks = -(-depth // words) * -(-width // bits)
            fill = 100 * depth * width // (blocks * words * bits)
            best = max(best, (fill, -blocks))
        fill, blocks = best
        return -blocks if fill >= self.least_fill else 0
