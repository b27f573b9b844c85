"""Which register map a core has behind its registers."""

from __future__ import annotations

from hdl.core.config import CoreConfig
from hdl.registers.batch_map import batch_map
from hdl.registers.map import RegisterMap, register_map

__all__ = ["registers_of"]


def registers_of(core: CoreConfig) -> RegisterMap:
    """Return the map of a core's registers: that of a single stream, or of batches."""
    made = register_map if core.streams == 1 else batch_map
    return made(core.model, core.arithmetic.logit)
