"""A shard: one check of one design with some seeds at one temperature; and what came of it."""

from __future__ import annotations

import base64
import enum
import tempfile
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from hdl.design import CHECKPOINT_FILE, DESIGN_FILE, Design

__all__ = ["Outcome", "Shard", "Status", "pack_design", "unpack_design"]


class Status(enum.Enum):
    """What came of a shard."""

    PASSED = "passed"
    """Everything was compared, and nothing differs."""
    DIFFERS = "differs"
    """What was compared differs."""
    FAILED = "failed"
    """A tool failed, or a worker was lost too often: nothing is known."""


@dataclass(frozen=True, kw_only=True)
class Shard:
    """What a worker is asked for, but for the design itself, which goes beside it."""

    kind: str
    """One of `cosim.campaign.kinds.KINDS`."""
    core: str
    """Name of the design's core."""
    arithmetic: str
    format: str
    """Of the words, such as ``Q4.12``."""
    design: str
    """Digest of the design, SHA-256."""
    temperature: float
    seed: int
    """The first; the others follow it."""
    names: int
    simulator: str = ""
    """Of a lock step: ``verilator`` or ``icarus``."""
    reference: str = ""
    """Of a lock step: what prepares the golden model's answers, ``python`` or ``c``."""
    kernels: tuple[str, ...] = ()
    """Of the C library; the last is what the others are held against."""

    def to_json(self) -> dict[str, Any]:
        """Return the fields ready for JSON."""
        return asdict(self) | {"kernels": list(self.kernels)}

    @staticmethod
    def from_json(fields: dict[str, Any]) -> Shard:
        """Return the shard that ``to_json()`` was taken from."""
        return Shard(**fields | {"kernels": tuple(fields["kernels"])})

    def describe(self) -> str:
        """Return the shard in some words."""
        where = f" in {self.simulator}" if self.simulator else ""
        last = self.seed + self.names - 1
        return f"{self.kind} of {self.core}{where}, temperature {self.temperature:g}, seeds {self.seed} to {last}"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a shard."""

    status: Status
    steps: int = 0
    """Steps of the names, each counted once however often it was made."""
    values: int = 0
    """Integers compared."""
    seconds: float = 0.0
    """Wall time of the worker."""
    said: str = ""
    """The first difference, or the failure."""
    figures: dict[str, Any] = field(default_factory=dict)
    """What else the kind of check has to tell, such as cycles or a digest."""
    worker: str = ""
    """Host and process that did it."""

    def to_json(self) -> dict[str, Any]:
        """Return the fields ready for JSON."""
        return asdict(self) | {"status": self.status.value}

    @staticmethod
    def from_json(fields: dict[str, Any]) -> Outcome:
        """Return the outcome that ``to_json()`` was taken from; TypeError, ValueError or KeyError if it is none."""
        outcome = Outcome(**fields | {"status": Status(fields["status"])})
        for name in ("steps", "values"):
            value = getattr(outcome, name)
            if not isinstance(value, int) or value < 0:
                raise ValueError(f"{name} must be a number of them, not {value!r}")
        return outcome


def pack_design(design: Design) -> dict[str, str]:
    """Return the files of a saved design, by name, in a form for JSON: a worker may see no disk of this machine's."""
    with tempfile.TemporaryDirectory(prefix="talos-") as folder:
        design.save(Path(folder))
        names = (DESIGN_FILE, CHECKPOINT_FILE)
        return {name: base64.b64encode((Path(folder) / name).read_bytes()).decode() for name in names}


def unpack_design(packed: dict[str, str]) -> Design:
    """Return the design that was packed; ValueError if it is none."""
    return _unpack(tuple(sorted(packed.items())))


@cache
def _unpack(files: tuple[tuple[str, str], ...]) -> Design:
    with tempfile.TemporaryDirectory(prefix="talos-") as folder:
        for name, text in files:
            if name not in (DESIGN_FILE, CHECKPOINT_FILE):
                raise ValueError(f"a design's file must be {DESIGN_FILE} or {CHECKPOINT_FILE}, not {name!r}")
            (Path(folder) / name).write_bytes(base64.b64decode(text))
        return Design.load(Path(folder) / DESIGN_FILE)
