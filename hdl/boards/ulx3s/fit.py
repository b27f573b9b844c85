"""Whether the FPGA of the board has what a core takes: counted from the configuration, and after synthesis by cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hdl.boards.ulx3s.platform import BOARDS
from hdl.core.config import BARRELS, CORES, CoreConfig
from hdl.core.cores import suitable_cores
from hdl.core.estimate import dsp_blocks, memory_blocks
from hdl.design import Design
from hdl.device.ecp5 import Ecp5

__all__ = ["check_cells", "check_fit", "shortage"]

_LUTS = {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6}
"""Cell -> look-up tables: one for each bit of a carry chain; four that hold words of a table memory, two that write."""


def shortage(core: CoreConfig, device: Ecp5) -> str | None:
    """Return in a phrase what a device has too little of for a core, or None."""
    for what, taken, there in (
        ("DSP blocks", dsp_blocks(core), device.chip.dsp_blocks),
        ("memory blocks", memory_blocks(core, device.chip), device.memory_blocks),
    ):
        if taken > there:
            return f"it takes {taken:,} {what}, and {device.part} has {there:,}"
    return None


def check_fit(design: Design, device: Ecp5) -> None:
    """Raise ValueError, in one line and with what would fit, if the device has too little for a design's core."""
    reason = shortage(design.core, device)
    if reason is None:
        return
    larger = [name for name, other in BOARDS.items() if shortage(design.core, other) is None]
    named, _ = suitable_cores(design.model, design.word, device.chip, (*CORES, *BARRELS))
    raise _refusal(design, reason, larger, [f"on this board --core {' or '.join(named)} fits"] if named else [])


def check_cells(design: Design, device: Ecp5, cells: Mapping[str, int]) -> None:
    """Raise ValueError, in one line, if what synthesis made of a design (cell -> number) takes too many tables.

    Tables of logic are for synthesis alone to count, and nextpnr would place for minutes before it says so.
    """
    luts = sum(number * cells.get(cell, 0) for cell, number in _LUTS.items())
    if luts > device.luts:
        larger = [name for name, other in BOARDS.items() if other.luts >= luts and shortage(design.core, other) is None]
        reason = f"it takes {luts:,} look-up tables, and {device.part} has {device.luts:,}"
        raise _refusal(design, reason, larger)


def _refusal(design: Design, reason: str, larger: Sequence[str], others: Sequence[str] = ()) -> ValueError:
    """Return the error of a design that does not fit, with the boards that hold it and other ways out."""
    ways = [f"{' or '.join(larger)} holds it"] if larger else []
    text = ", and ".join([*ways, *others]) or "no board holds it"
    return ValueError(f"{design.name} must fit the board: {reason}; {text}")
