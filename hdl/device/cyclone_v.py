"""Facts of the Cyclone V, and of the 5CSEMA5F31C6 on the DE1-SoC: parts, operands, memory blocks, cell delays.

Parts: Intel, Cyclone V Device Overview (683694). Operands and blocks: Cyclone V Device Handbook, volume 1 (683375).
Delays: slow corner (1.1 V, 100 °C) as nextpnr (``mistral/delay.cc``) and Yosys (``intel_alm/common``) carry them for
this family; where an arc has several, the largest.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from hdl.device.chip import Chip

__all__ = [
    "CARRY_PS", "CHIP", "DEVICE", "FAMILY", "M10K_SHAPES", "MAX_ALM_SHARE", "MAX_PATH_PS", "MEMORY_PS",
    "MEMORY_SETUP_PS", "MLAB_READ_PS", "MULTIPLIER_PS", "PART", "REGISTER_PS", "Resources", "TABLE_PS", "ram_style",
]  # fmt: skip

FAMILY, PART = "Cyclone V", "5CSEMA5F31C6"
"""The FPGA of the DE1-SoC."""


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Parts of the device."""

    alms: int
    registers: int
    dsp_blocks: int
    m10k: int
    mlab: int = 0
    aluts: int = 0

    def to_json(self) -> dict[str, int]:
        """Return the fields for JSON."""
        return asdict(self)


DEVICE = Resources(alms=32_070, registers=128_280, dsp_blocks=87, m10k=397, mlab=0, aluts=64_140)
"""What ``PART`` has."""

MAX_ALM_SHARE = 0.76
"""A core with its registers may take no more of the ALMs by the formula of ``hdl.device.resources``."""

MAX_PATH_PS = 22_000
"""A path may be no longer by the formula of ``hdl.device.static_timing``."""

M10K_SHAPES = ((8192, 1), (4096, 2), (2048, 5), (1024, 10), (512, 20), (256, 40))
"""(words, bits) that a memory block may be."""
CHIP = Chip(
    part=PART, dsp_blocks=DEVICE.dsp_blocks, memory_blocks=DEVICE.m10k, block_kind="M10K", block_shapes=M10K_SHAPES,
    # Yosys 0.70, intel_alm/common/bram_m10k.txt.
    least_fill=5,
)  # fmt: skip
"""What a core's shape follows from."""
_MLAB_DEPTH, _MLAB_WIDTH = 32, 20


def ram_style(depth: int, width: int) -> str:
    """Return the ``ramstyle`` of a memory: MLAB if it is one block of 32 × 20, which is ten ALMs, else M10K.

    Cores are short of ALMs before they are short of M10K, so that wide and shallow memories are M10K too.
    """
    return "MLAB" if depth <= _MLAB_DEPTH and width <= _MLAB_WIDTH else "M10K"


TABLE_PS = {
    "MISTRAL_NOT": (97,),
    "MISTRAL_BUF": (97,),
    "MISTRAL_ALUT2": (400, 97),
    "MISTRAL_ALUT3": (512, 400, 97),
    "MISTRAL_ALUT4": (510, 512, 400, 97),
    "MISTRAL_ALUT5": (583, 510, 512, 400, 97),
    "MISTRAL_ALUT6": (605, 583, 510, 512, 400, 97),
}
"""From inputs A, B, … to Q."""

CARRY_PS = {
    "A": (1342, 1082), "B": (1323, 1062), "C": (927, 813), "D0": (887, 866), "D1": (785, 1198), "CI": (368, 36),
}  # fmt: skip
"""From an input of a carry bit to (SO, CO)."""

MULTIPLIER_PS = {
    "MISTRAL_MUL27X27": {"A": 3732, "B": 3928},
    "MISTRAL_MUL18X18": {"A": 3180, "B": 3982},
    "MISTRAL_MUL9X9": {"A": 2818, "B": 3051},
}
MLAB_READ_PS = 487
# Clock to output, and set-up; that of a register is negative and taken as 0.
REGISTER_PS, MEMORY_PS, MEMORY_SETUP_PS = 731, 1004, 161
