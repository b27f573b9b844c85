"""Facts of the ECP5 without transceivers, as ULX3S boards carry it.

Parts: Lattice, ECP5 and ECP5-5G Family Data Sheet (FPGA-DS-02012), table 1.1. Shapes of a block: Lattice, ECP5 and
ECP5-5G Memory Usage Guide (FPGA-TN-02204). Yosys (0.70, ``lattice/brams_16kd.txt``) fills them so.
"""

from __future__ import annotations

from dataclasses import dataclass

from hdl.device.chip import Chip

__all__ = ["BLOCK_SHAPES", "DEVICES", "GRADES", "TABLE_DEPTH", "Ecp5"]

BLOCK_SHAPES = ((16384, 1), (8192, 2), (4096, 4), (2048, 9), (1024, 18), (512, 36))
"""(words, bits) that a memory block (EBR, ``DP16KD``) may be."""

TABLE_DEPTH = 32
"""Words up to which a memory is in look-up tables, however wide: two ``TRELLIS_DPR16X4`` deep, or, if it is only read,
two tables a bit. It would fill a sixteenth of a block of 512 words. Yosys (0.70) chooses so by its costs."""

GRADES = (6, 7, 8)
"""Speed grades, the slowest first. ULX3S boards carry 6."""


@dataclass(frozen=True, kw_only=True)
class Ecp5:
    """Parts of a device. A look-up table has four inputs; a multiplier is one of 18 × 18, half a DSP slice."""

    part: str
    luts: int
    multipliers: int
    memory_blocks: int

    @property
    def chip(self) -> Chip:
        """What a core's shape follows from."""
        return Chip(
            part=self.part, dsp_blocks=self.multipliers // 2, memory_blocks=self.memory_blocks, block_kind="DP16KD",
            block_shapes=BLOCK_SHAPES,
            # Yosys weighs blocks against tables by more than their filling: every deeper memory is counted.
            least_fill=0, table_depth=TABLE_DEPTH,
            # What takes 22 ns by the estimate for the Cyclone V takes 30 to 34 ns here, in grade 6, before routing.
            short_paths=True,
        )  # fmt: skip


DEVICES = {
    device.part: device
    for device in (
        Ecp5(part="LFE5U-12F", luts=12_144, multipliers=28, memory_blocks=32),
        Ecp5(part="LFE5U-25F", luts=24_288, multipliers=28, memory_blocks=56),
        Ecp5(part="LFE5U-45F", luts=43_848, multipliers=72, memory_blocks=108),
        Ecp5(part="LFE5U-85F", luts=83_640, multipliers=156, memory_blocks=208),
    )
}
"""Part -> what it has."""
