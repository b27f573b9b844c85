"""What a bench is to do and what it found: two JSON files between the command line and the simulator's Python."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cosim.barrel.batch import Batch
from cosim.core.checker import Checker, Counted, Mismatch
from cosim.core.request import Request
from cosim.engine.simulators import SimulatorError
from talos_ref.files import write_bytes

__all__ = ["CONFIG_FILE", "PROGRESS", "Findings", "BenchConfig"]

CONFIG_FILE = "bench.json"
"""The configuration, in the folder of the run."""

PROGRESS = "progress "
"""Begins a line of a bench's output that says how many requests are done and how many there are."""

_FINDINGS_FILE = "findings.json"
_CONFIG_VARIABLE = "COSIM_BENCH"


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What tests that finished, or met a difference, have to say."""

    tests: tuple[str, ...]
    """Names of the tests that ran, in order."""
    counted: tuple[Counted, ...]
    steps: int
    values: int
    """Integers compared."""
    mismatch: dict[str, Any] | None
    counters: dict[str, int] = field(default_factory=dict)
    """Of a core with several streams, at the end of the last test."""
    by_position: tuple[tuple[int, int], ...] = ()
    """Of such a core, at each position: cycles of its streams from result to result, and steps."""

    @staticmethod
    def of_test(test: str, counted: Sequence[Counted], checker: Checker, mismatch: Mismatch | None) -> Findings:
        """Return what one test has found, by what its checker has compared."""
        return Findings(
            tests=(test,),
            counted=tuple(counted),
            steps=checker.steps,
            values=checker.values,
            mismatch=None if mismatch is None else mismatch.to_json(),
        )

    def joined(self, later: Findings) -> Findings:
        """Return these findings and later ones together."""
        return Findings(
            tests=self.tests + later.tests,
            counted=self.counted + later.counted,
            steps=self.steps + later.steps,
            values=self.values + later.values,
            mismatch=later.mismatch if self.mismatch is None else self.mismatch,
            counters=later.counters,
            by_position=later.by_position,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the findings ready for JSON."""
        return asdict(self)

    @staticmethod
    def from_json(fields: dict[str, Any]) -> Findings:
        """Return the findings that ``to_json()`` was taken from."""
        rest = {name: value for name, value in fields.items() if name not in ("tests", "counted", "by_position")}
        counted = tuple(_counted(entry) for entry in fields["counted"])
        by_position = tuple((cycles, steps) for cycles, steps in fields["by_position"])
        return Findings(tests=tuple(fields["tests"]), counted=counted, by_position=by_position, **rest)


@dataclass(frozen=True, kw_only=True)
class BenchConfig:
    """What one run of a bench is to do, and who it is."""

    design: str
    """File of the saved design whose ports the circuit has and whose golden model is asked."""
    simulator: str
    """Name and version, for reports."""
    requests: tuple[Request, ...] = ()
    batches: tuple[Batch, ...] = ()
    """In place of requests, for a core with several streams."""
    short: bool = False
    """Whether a bench that makes its own requests makes fewer, for a slow simulator."""
    reference: str = "python"
    """What prepares the golden model's answers: ``python`` or ``c``."""
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    """Drawn for this run; findings repeat it, so that no other run's are taken for this one's."""

    def save(self, folder: Path) -> dict[str, str]:
        """Write the configuration into the folder of its run and return the environment that hands it to the bench."""
        path = write_bytes(folder / CONFIG_FILE, json.dumps(asdict(self)).encode())
        return {_CONFIG_VARIABLE: str(path.resolve())}

    @staticmethod
    def from_environment() -> BenchConfig:
        """Return the configuration that a bench was started with."""
        fields: dict[str, Any] = json.loads(Path(os.environ[_CONFIG_VARIABLE]).read_text())
        requests = tuple(Request.from_json(request) for request in fields.pop("requests"))
        batches = tuple(Batch(**batch) for batch in fields.pop("batches"))
        return BenchConfig(requests=requests, batches=batches, **fields)

    def add(self, found: Findings, folder: Path = Path()) -> None:
        """Add the findings of a test to those of the tests before it in this run; a bench runs in its folder."""
        earlier = self.findings(folder)
        text = {"token": self.token, "findings": (found if earlier is None else earlier.joined(found)).to_json()}
        write_bytes(folder / _FINDINGS_FILE, json.dumps(text).encode())

    def findings(self, folder: Path) -> Findings | None:
        """Return what this run has found so far, None if nothing; SimulatorError if the file is of another run."""
        path = folder / _FINDINGS_FILE
        if not path.is_file():
            return None
        text = json.loads(path.read_text())
        if text["token"] != self.token:
            raise SimulatorError(f"{path} must hold the findings of run {self.token}, not of {text['token']}")
        return Findings.from_json(text["findings"])


def _counted(fields: dict[str, Any]) -> Counted:
    steps: Sequence[int] = fields["step_cycles"]
    return Counted(
        Request.from_json(fields["request"]),
        fields["cycles"],
        tuple(steps),
        fields["letters"],
        tuple(fields["stages"]),
    )
