"""What a circuit leaves to the device that it is made for: DSP blocks, and where memories go.

A target is found from Amaranth's ``platform``: a board's platform, or a `DevicePlatform` where there is no board, has
it as its attribute ``target``. Without one a circuit is plain arithmetic, which every tool takes. A new device is a
file with a class like `Generic`, and a line in ``hdl.device.targets``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from amaranth.hdl import Module, Signal, Value

__all__ = ["GENERIC", "DevicePlatform", "DspMode", "DspPorts", "Generic", "Target", "dsp_arithmetic", "target_of"]


class DspMode(Enum):
    """What a DSP block makes of its two pairs of operands."""

    PAIR = "pair"
    """``o[0] = a[0] · b[0]`` and ``o[1] = a[1] · b[1]``."""
    SUM = "sum"
    """``o[0] = a[0] · b[0] + a[1] · b[1]``."""


class DspPorts(Protocol):
    """What a target sees of ``hdl.units.dsp_block.DspBlock``: its ports and its parameters."""

    mode: DspMode
    registered: bool
    """Whether there is a register between the sums or products and ``o``."""
    a: Any
    """Two signed operands of at most 19 bits."""
    b: Any
    """Two signed operands of at most 18 bits."""
    o: Any
    """Two products or one sum, all bits of them."""


class Target(Protocol):
    """A device, or a family of devices that a tool treats alike."""

    @property
    def name(self) -> str:
        """What command lines and build folders call it."""

    def dsp_block(self, block: DspPorts) -> Module:
        """Return what drives ``block.o``."""

    def memory_attributes(self, depth: int, width: int) -> dict[str, str]:
        """Return the attributes of a memory of ``depth`` words of ``width`` bits that is to be in a memory block,
        unless the device has a better place for so few words."""

    def early_memory_attributes(self) -> dict[str, str]:
        """Return the attributes of a small read-only memory whose word begins the long paths of a cycle."""


@dataclass(frozen=True)
class Generic:
    """No device in particular: plain arithmetic, and memories without attributes."""

    name: str = "generic"

    def dsp_block(self, block: DspPorts) -> Module:
        """Return the block's arithmetic."""
        return dsp_arithmetic(block)

    def memory_attributes(self, depth: int, width: int) -> dict[str, str]:
        """Return nothing."""
        return {}

    def early_memory_attributes(self) -> dict[str, str]:
        """Return nothing."""
        return {}


GENERIC = Generic()


@dataclass(frozen=True)
class DevicePlatform:
    """In place of a board, as Amaranth's ``platform``, for what is made for a device alone."""

    target: Target


def target_of(platform: Any) -> Target:
    """Return the target that a platform carries; `GENERIC` if it has none, or there is no platform."""
    target: Target = getattr(platform, "target", GENERIC)
    return target


def dsp_arithmetic(block: DspPorts) -> Module:
    """Return a DSP block as multiplications and additions, for a tool that finds blocks by itself."""
    m = Module()
    products: list[Value] = [block.a[half] * block.b[half] for half in range(2)]
    results = [products[0] + products[1]] if block.mode is DspMode.SUM else products
    for k, result in enumerate(results):
        if block.registered:
            # A block's register has no synchronous reset.
            register = Signal(block.o[k].shape(), name=f"register{k}", reset_less=True)
            m.d.sync += register.eq(result)
            result = register
        m.d.comb += block.o[k].eq(result)
    return m
