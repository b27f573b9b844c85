"""Models of cells that a vendor's tool brings along, for Verilog that instantiates them."""

from __future__ import annotations

from pathlib import Path

__all__ = ["CYCLONEV_MAC"]

CYCLONEV_MAC = Path(__file__).resolve().parent / "cyclonev_mac.v"
"""A DSP block of the Cyclone V."""
