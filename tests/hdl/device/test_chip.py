"""The blocks that a memory takes on a chip, in each of the shapes that its blocks have."""

from __future__ import annotations

import pytest

from hdl.device.chip import Chip
from hdl.device.cyclone_v import CHIP
from hdl.device.ecp5 import DEVICES

ECP5 = DEVICES["LFE5U-85F"].chip


@pytest.mark.parametrize(
    ("chip", "depth", "width", "blocks"),
    [
        (CHIP, 256, 40, 1), (CHIP, 257, 40, 2), (CHIP, 15, 32, 0),
        (ECP5, 512, 36, 1), (ECP5, 513, 36, 2), (ECP5, 1024, 18, 1), (ECP5, 16384, 1, 1), (ECP5, 432, 1024, 29),
        # Up to 32 words, and however wide, in tables; every other memory is counted.
        (ECP5, 32, 459, 0), (ECP5, 1, 40, 0), (ECP5, 33, 40, 2),
    ],
)  # fmt: skip
def test_blocks(chip: Chip, depth: int, width: int, blocks: int) -> None:
    assert chip.blocks(depth, width) == blocks
