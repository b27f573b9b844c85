"""Enumerations of the core's ports as plain integers and names, for code that sees only bits."""

from __future__ import annotations

from typing import Any

from hdl.core.interface import Mode, Stage

__all__ = ["MODES", "STAGES", "stage_name"]


def _values(enumeration: Any) -> dict[str, int]:
    return {member.name: member.value for member in enumeration}


MODES = _values(Mode)
"""Name -> value of ``hdl.core.interface.Mode``."""
STAGES = _values(Stage)
"""Name -> value of ``hdl.core.interface.Stage``, which is also its index in the counters."""


def stage_name(digits: str) -> str:
    """Return the stage that binary digits stand for, or the digits where there is none."""
    names = {value: name for name, value in STAGES.items()}
    return digits if digits.strip("01") else names.get(int(digits, 2), digits)
