"""Pins of a board through buffers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

from amaranth.hdl import Module, Value
from amaranth.lib import io

__all__ = ["input_pin", "output_pins"]


def input_pin(m: Module, platform: Any, name: str, number: int) -> Value:
    """Return the value of a pin."""
    m.submodules[f"{name}{number}"] = buffer = io.Buffer("i", platform.request(name, number, dir="-"))
    return buffer.i


def output_pins(m: Module, name: str, ports: Sequence[Any], value: Value) -> None:
    """Drive pins, the first with the lowest bit of the value."""
    m.submodules[name] = buffer = io.Buffer("o", reduce(add, ports))
    m.d.comb += buffer.o.eq(value)
