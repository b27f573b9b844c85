"""Models of cells that a vendor's tool brings along, for Verilog that instantiates them."""

from __future__ import annotations

from pathlib import Path

__all__ = ["CYCLONEV_MAC", "MULT18X18D"]

CYCLONEV_MAC = Path(__file__).resolve().parent / "cyclonev_mac.v"
"""A DSP block of the Cyclone V."""

MULT18X18D = Path(__file__).resolve().parent / "mult18x18d.v"
"""A multiplier of the ECP5."""
