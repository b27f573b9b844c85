"""A core behind its registers, whichever kind of core it is."""

from __future__ import annotations

from hdl.design import Design
from hdl.registers.batch_system import BatchSystem
from hdl.registers.system import System

__all__ = ["system_of"]


def system_of(design: Design) -> System | BatchSystem:
    """Return a design's core behind its registers; both kinds have the same ports but for what their displays show."""
    return System(design) if design.core.streams == 1 else BatchSystem(design)
