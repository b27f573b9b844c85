"""What a scrubber has found since the last reset."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import C, Module, Signal, Value

__all__ = ["rom_status"]


def rom_status(m: Module, core: Any, scrub: bool) -> tuple[Value, Value]:
    """Return ``status.rom_corrupt`` and ``rom_passes``, a cycle after the pass has ended; 0 without a scrubber.

    A request and ``clear`` leave both as they are.
    """
    if not scrub:
        return C(0, 1), C(0, 32)
    corrupt, passes = Signal(name="rom_corrupt"), Signal(32, name="rom_passes")
    m.d.sync += [corrupt.eq(corrupt | core.rom_corrupt), passes.eq(passes + core.rom_passed)]
    return corrupt, passes
