"""The devices that circuits are made for, by name."""

from __future__ import annotations

from collections.abc import Mapping

from hdl.device.cyclone_v_target import CYCLONE_V
from hdl.device.ecp5_target import ECP5
from hdl.device.target import GENERIC, Target

__all__ = ["TARGETS"]

TARGETS: Mapping[str, Target] = {target.name: target for target in (GENERIC, CYCLONE_V, ECP5)}
"""A new device adds a file of its own and a place in this list."""
