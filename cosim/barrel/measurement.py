"""Figures of a core with several streams in a simulator: all of its streams together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cosim.barrel.batch import Batch
from hdl.core.barrel.jobs import blocks_of
from hdl.core.config import CoreConfig
from hdl.design import Design

__all__ = ["BATCH_CHECKED", "BatchMeasurement"]

BATCH_CHECKED = (
    "of every step of every stream: logits, random state, stream, seed, position, token and last flag; "
    "the counters, and the digest of all steps"
)
"""What the lock step compares."""


@dataclass(frozen=True, kw_only=True)
class BatchMeasurement:
    """What one run of a batch says. A step's cycles are those of all streams, divided by the steps that they made."""

    design: Design
    simulator: str
    """Name and version."""
    verilog_sha256: str
    batch: Batch
    counters: dict[str, int]
    by_position: tuple[tuple[int, int], ...]
    """At each position: cycles of streams from result to result, and steps."""
    values: int
    """Integers compared."""
    mismatch: dict[str, Any] | None

    @property
    def core(self) -> CoreConfig:
        """Shape, model and arithmetic."""
        return self.design.core

    @property
    def mismatches(self) -> int:
        """0 or 1: the first difference ends the run."""
        return int(self.mismatch is not None)

    @property
    def cycles(self) -> int:
        """From the batch's acceptance to the last result of all."""
        return self.counters["cycles"]

    @property
    def steps(self) -> int:
        """Sampled steps of all streams."""
        return self.counters["steps"]

    @property
    def cycles_per_step(self) -> float:
        """Mean cycles of a step, all streams together."""
        return self.cycles / self.steps

    @property
    def steps_per_second(self) -> float:
        """Steps of all streams a second at the design's clock."""
        return self.design.clock_hz * self.steps / self.cycles

    @property
    def letters_per_second(self) -> float:
        """Letters of all streams a second at the design's clock."""
        return self.design.clock_hz * self.counters["letters"] / self.cycles

    @property
    def cycles_by_position(self) -> list[float]:
        """Mean cycles of a stream from result to result, at each position, divided by the number of streams."""
        return [cycles / steps / self.core.streams for cycles, steps in self.by_position]

    @property
    def cycles_by_stage(self) -> dict[str, int]:
        """Cycles in which the matrix was multiplied, and the others; they add up to ``cycles``."""
        above_first = sum(steps for _, steps in self.by_position[1:])
        matrix = above_first * sum(blocks_of(self.core).values())
        return {"MATRIX": matrix, "NO_MATRIX": self.cycles - matrix}

    def to_json(self) -> dict[str, Any]:
        """Return the run for ``build/sim.json``."""
        figures: dict[str, Any] = {"steps": 0, "letters": 0, "cycles": 0}
        if self.mismatch is None:
            figures = {
                "steps": self.steps,
                "letters": self.counters["letters"],
                "cycles": self.cycles,
                "cycles_per_step": self.cycles_per_step,
                "cycles_by_position": self.cycles_by_position,
                "cycles_by_stage": self.cycles_by_stage,
                "steps_per_second": self.steps_per_second,
                "letters_per_second": self.letters_per_second,
                "digest": f"{self.counters['digest']:08x}",
            }
        return {
            "core": self.core.name,
            "design": self.design.digest(),
            "clock_hz": self.design.clock_hz,
            "simulator": self.simulator,
            "arithmetic": self.core.arithmetic_name,
            "constant_position_0": self.core.constant_position_0,
            "streams": self.core.streams,
            "figures_are_of": "all streams",
            "names": self.batch.count,
            **figures,
            "checked": {"what": BATCH_CHECKED, "values": self.values},
            "mismatches": self.mismatches,
            "first_mismatch": self.mismatch,
            "verilog_sha256": self.verilog_sha256,
            "checkpoint": self.design.checkpoint.digest,
        }
