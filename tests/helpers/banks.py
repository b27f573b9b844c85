"""A unit under test with the multipliers that it would share in a core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Module

from hdl.units.multipliers import bank_of, share

__all__ = ["with_bank"]


def with_bank(unit: Any, ports: Sequence[Any]) -> Module:
    """Return a module of ``unit`` and one bank for all of its ``ports``."""
    m = Module()
    m.submodules.unit = unit
    m.submodules.bank = bank = bank_of(ports)
    share(m, bank, ports)
    return m
