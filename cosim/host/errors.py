"""What can go wrong between a host and a board; every message says what to do about it."""

from __future__ import annotations

__all__ = [
    "BoardError",
    "BoardTimeout",
    "CorruptRom",
    "ForeignDesign",
    "HostError",
    "NoBoard",
    "NoCable",
    "NoPort",
    "NoQuartus",
    "OldDesign",
    "OtherBuild",
]


class HostError(RuntimeError):
    """The command cannot be carried out."""


class NoQuartus(HostError):
    """A program of Quartus is not on ``PATH``."""


class NoCable(HostError):
    """No JTAG cable is connected to this computer."""


class NoPort(HostError):
    """A serial port cannot be opened."""


class NoBoard(HostError):
    """A cable, but no FPGA that answers on it, or none with our bridge."""


class ForeignDesign(HostError):
    """The FPGA holds a design with another ID."""


class OldDesign(HostError):
    """The FPGA holds a design whose register map has another version."""


class OtherBuild(HostError):
    """The FPGA holds this design made from other sources, weights or settings."""


class CorruptRom(HostError):
    """The FPGA's memory no longer holds the weights and tables that it was programmed with."""


class BoardTimeout(HostError):
    """No answer in time."""


class BoardError(HostError):
    """The board answered that something is wrong."""
