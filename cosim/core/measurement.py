"""Figures of a core in a simulator, from the cycles of its requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cosim.core.checker import Counted
from cosim.core.enums import STAGES
from cosim.core.recorded import Recorded
from hdl.core.config import CoreConfig
from hdl.design import Design

__all__ = ["CHECKED", "Measurement", "compare_recorded", "compare_simulators"]

CHECKED = "every logit, top logit, argmax, token in and out, position, random state, last flag, and the counters"
"""What the lock step compares at every step and after every request."""


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What one run of one core in one simulator says."""

    design: Design
    simulator: str
    """Name and version."""
    verilog_sha256: str
    counted: tuple[Counted, ...]
    values: int
    """Integers compared."""
    mismatch: dict[str, Any] | None
    recorded: int
    """Requests whose cycles were read from a waveform too."""
    differences: tuple[str, ...]
    """Where two ways of counting cycles disagree."""
    cached: bool = False
    """Whether the run was made earlier, from the same inputs to the bit."""

    @property
    def core(self) -> CoreConfig:
        """Shape, model and arithmetic."""
        return self.design.core

    @property
    def mismatches(self) -> int:
        """Differences of any kind; the first one in the lock step ends the run."""
        return len(self.differences) + (self.mismatch is not None)

    @property
    def steps(self) -> int:
        """Sampled steps, the one that draws BOS too."""
        return sum(len(counted.step_cycles) for counted in self.counted)

    @property
    def letters(self) -> int:
        """Letters of the names."""
        return sum(counted.letters for counted in self.counted)

    @property
    def cycles(self) -> int:
        """Cycles of all requests, each from its acceptance to its last result."""
        return sum(counted.cycles for counted in self.counted)

    @property
    def cycles_per_step(self) -> float:
        """Mean cycles of a step."""
        return self.cycles / self.steps

    @property
    def steps_per_second(self) -> float:
        """Steps a second at the design's clock."""
        return self.design.clock_hz * self.steps / self.cycles

    @property
    def letters_per_second(self) -> float:
        """Letters of finished names a second at the design's clock."""
        return self.design.clock_hz * self.letters / self.cycles

    def steps_at(self, position: int) -> list[int]:
        """Return the cycles of every step at a position."""
        return [c.step_cycles[position] for c in self.counted if position < len(c.step_cycles)]

    @property
    def cycles_by_position(self) -> list[float]:
        """Mean cycles of a step at position 0, 1, … as far as a name went."""
        reached = max(len(counted.step_cycles) for counted in self.counted)
        means = (sum(steps) / len(steps) for steps in map(self.steps_at, range(reached)))
        return [int(mean) if mean == int(mean) else mean for mean in means]

    @property
    def cycles_by_stage(self) -> dict[str, int]:
        """Cycles by stage, ``IDLE`` left out; they add up to ``cycles``."""
        return {
            name: sum(counted.stages[value] for counted in self.counted)
            for name, value in STAGES.items()
            if name != "IDLE"
        }

    def to_json(self) -> dict[str, Any]:
        """Return the run for ``build/sim.json``."""
        figures: dict[str, Any] = {}
        if self.counted:
            figures = {
                "cycles_per_step": self.cycles_per_step,
                "cycles_by_position": self.cycles_by_position,
                "cycles_by_stage": self.cycles_by_stage,
                "steps_per_second": self.steps_per_second,
                "letters_per_second": self.letters_per_second,
            }
        return {
            "core": self.core.name,
            "design": self.design.digest(),
            "clock_hz": self.design.clock_hz,
            "simulator": self.simulator,
            "arithmetic": self.core.arithmetic_name,
            **({"constant_position_0": True} if self.core.constant_position_0 else {}),
            "names": len(self.counted),
            "steps": self.steps,
            "letters": self.letters,
            "cycles": self.cycles,
            **figures,
            "checked": {"what": CHECKED, "values": self.values, "requests_in_waveform": self.recorded},
            "mismatches": self.mismatches,
            "first_mismatch": self.mismatch,
            "cycle_differences": list(self.differences),
            "verilog_sha256": self.verilog_sha256,
            "checkpoint": self.design.checkpoint.digest,
            "unchanged_since_earlier_run": self.cached,
        }


def compare_recorded(counted: Sequence[Counted], recorded: Sequence[Recorded]) -> list[str]:
    """Return the differences between a waveform and the counters of the run that it shows, one line each."""
    if len(counted) != len(recorded):
        return [f"the waveform must show {len(counted)} finished requests, not {len(recorded)}"]
    differences = []
    for a, b in zip(counted, recorded, strict=True):
        for what in ("cycles", "step_cycles", "stages"):
            if getattr(a, what) != getattr(b, what):
                differences.append(
                    f"{a.request.describe()}: {what} in the waveform must be {getattr(a, what)}, not {getattr(b, what)}"
                )
    return differences


def compare_simulators(a: Measurement, b: Measurement) -> list[str]:
    """Return the differences between two simulators on the requests that both ran, one line each."""
    other = {counted.request: counted for counted in b.counted}
    differences = []
    common = [counted for counted in a.counted if counted.request in other]
    if not common:
        return [f"{a.simulator} and {b.simulator} must run a request in common for {a.core.name}"]
    for counted in common:
        twin = other[counted.request]
        if counted != twin:
            differences.append(
                f"{a.core.name}, {counted.request.describe()}: {a.simulator} took {counted.step_cycles} cycles, "
                f"{b.simulator} {twin.step_cycles}"
            )
    return differences
