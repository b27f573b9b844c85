"""What a bench is to do and what it found: two JSON files between the command line and the simulator's Python."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cosim.core.checker import Counted
from cosim.core.request import Request
from talos_ref.files import write_bytes

__all__ = ["PLAN_VARIABLE", "PROGRESS", "Findings", "Plan"]

PROGRESS = "progress "
"""Begins a line of a bench's output that says how many requests are done and how many there are."""

PLAN_VARIABLE = "COSIM_PLAN"
"""Environment variable that names the plan's file."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Requests for one run of a bench."""

    design: str
    """File of the saved design whose ports the circuit has and whose golden model is asked."""
    simulator: str
    """Name and version, for reports."""
    requests: tuple[Request, ...] = ()
    short: bool = False
    """Whether a bench that makes its own requests makes fewer, for a slow simulator."""
    reference: str = "python"
    """What prepares the golden model's answers: ``python`` or ``c``."""
    findings: str = "findings.json"
    """File that the bench writes, relative to the folder it runs in."""

    def save(self, path: Path) -> dict[str, str]:
        """Write the plan and return the environment that hands it to a bench."""
        write_bytes(path, json.dumps(asdict(self)).encode())
        return {PLAN_VARIABLE: str(path)}

    @staticmethod
    def from_environment() -> Plan:
        """Return the plan that a bench was started with."""
        fields: dict[str, Any] = json.loads(Path(os.environ[PLAN_VARIABLE]).read_text())
        requests = tuple(Request.from_json(request) for request in fields.pop("requests"))
        return Plan(requests=requests, **fields)


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a bench that finished, or met a difference, has to say."""

    counted: tuple[Counted, ...]
    steps: int
    values: int
    """Integers compared."""
    mismatch: dict[str, Any] | None

    def joined(self, later: Findings) -> Findings:
        """Return these findings and those of a later run together."""
        return Findings(
            counted=self.counted + later.counted,
            steps=self.steps + later.steps,
            values=self.values + later.values,
            mismatch=later.mismatch if self.mismatch is None else self.mismatch,
        )

    def save(self, path: Path) -> None:
        """Write the findings."""
        write_bytes(path, json.dumps(asdict(self)).encode())

    @staticmethod
    def load(path: Path) -> Findings:
        """Return the findings in a file."""
        fields: dict[str, Any] = json.loads(path.read_text())
        return Findings(counted=tuple(_counted(entry) for entry in fields.pop("counted")), **fields)


def _counted(fields: dict[str, Any]) -> Counted:
    steps: Sequence[int] = fields["step_cycles"]
    return Counted(
        Request.from_json(fields["request"]),
        fields["cycles"],
        tuple(steps),
        fields["letters"],
        tuple(fields["stages"]),
    )
