"""Every table and constant of an arithmetic, by name, as whoever re-implements it needs them."""

from __future__ import annotations

from typing import Any

from talos_ref.golden.datapath import Arithmetic

__all__ = ["constants"]


def constants(arithmetic: Arithmetic) -> dict[str, Any]:
    """Return name -> integer, text or table, ready for JSON; ``lines`` are [base, slope] from segment ``first`` on."""
    values: dict[str, Any] = {"arithmetic": arithmetic.name, "word": str(arithmetic.word)}
    for unit in (arithmetic.mlp, arithmetic.attention, arithmetic.rmsnorm, arithmetic.sampler):
        values |= unit.constants()
    return values
