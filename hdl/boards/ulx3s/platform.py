"""The ULX3S of amaranth-boards, in the four sizes of FPGA that it is sold with."""

from __future__ import annotations

from amaranth_boards.ulx3s import ULX3S_85F_Platform

from hdl.device.ecp5 import DEVICES, GRADES, Ecp5
from hdl.device.ecp5_target import ECP5
from hdl.device.target import Target

__all__ = ["BOARDS", "PROJECT", "Ulx3sPlatform"]

PROJECT = "top"
"""Name of the top-level module and of the tools' files."""

BOARDS = {f"ulx3s-{part.rpartition('-')[2].lower()}": device for part, device in DEVICES.items()}
"""Name of a board -> its FPGA."""


class Ulx3sPlatform(ULX3S_85F_Platform):
    """Pins and tools of the board, for Amaranth's Trellis toolchain.

    Parameters
    ----------
    device
        The FPGA.
    grade
        Speed grade that timing is met for: one of ``GRADES``.

    Raises ValueError for another grade.
    """

    def __init__(self, device: Ecp5, grade: int = GRADES[0]) -> None:
        if grade not in GRADES:
            raise ValueError(f"grade must be {', '.join(map(str, GRADES[:-1]))} or {GRADES[-1]}, not {grade!r}")
        self.device, self.speed = device.part, str(grade)
        super().__init__(toolchain="Trellis")

    @property
    def target(self) -> Target:
        """What the circuits of the core leave to the device."""
        return ECP5

    @property
    def file_templates(self) -> dict[str, str]:
        """Names and templates of what is written, without the Verilog for debugging, which takes half of the time."""
        templates: dict[str, str] = super().file_templates
        return {name: text for name, text in templates.items() if not name.endswith(".debug.v")}
