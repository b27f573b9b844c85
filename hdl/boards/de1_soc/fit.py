"""Whether the FPGA of the board has what a core takes, counted from the configuration alone."""

from __future__ import annotations

from hdl.core.estimate import estimate
from hdl.design import Design
from hdl.device.cyclone_v import DEVICE, PART

__all__ = ["check_fit"]


def check_fit(design: Design) -> dict[str, int]:
    """Return the ``dsp_blocks`` and ``m10k`` that a design's core takes at most.

    Raises ValueError, with both numbers, if the device has fewer.
    """
    used = estimate(design.core)
    for what, taken, there in (
        ("DSP blocks", used.dsp_blocks, DEVICE.dsp_blocks),
        ("memory blocks (M10K)", used.m10k, DEVICE.m10k),
    ):
        if taken > there:
            raise ValueError(f"{design.name} must take at most {there} {what}, not {taken}: {PART} has no more")
    return {"dsp_blocks": used.dsp_blocks, "m10k": used.m10k}
