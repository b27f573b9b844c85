"""Where the registers stand whose number follows the model: in TALOS-V2's windows if they fit, else further up."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ADDRESS_WIDTH", "LETTERS", "LOGITS", "Window"]

_MOST = 256
"""Positions and tokens at most of any model: the fields of both are 8 bits wide."""


@dataclass(frozen=True)
class Window:
    """Byte addresses for a number of words: from ``low`` on if they end before ``end``, else from ``above`` on."""

    low: int
    end: int
    above: int

    def address(self, count: int) -> int:
        """Return the byte address of the first of ``count`` words."""
        return self.low if self.low + 4 * count <= self.end else self.above


# Above 0x3FF there is nothing else, so that a map may grow below it.
LOGITS = Window(0x100, 0x180, 0x400)
"""TALOS-V2 has 27 logits; up to 32 fit before our registers."""
LETTERS = Window(0x060, 0x0D8, LOGITS.above + 4 * _MOST)
"""TALOS-V2 has 16 letters; up to 30 fit before its counters."""
ADDRESS_WIDTH = (LETTERS.above + 4 * _MOST - 1).bit_length()
"""Bits of a byte address: those that the largest model needs. All designs have the same bus."""
