"""Steps recorded from the published TALOS-V2 RTL, and the comparison that names the first difference."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from talos_ref.golden.generate import Step

__all__ = ["RecordedName", "assert_steps", "recorded_names"]


@dataclass(frozen=True)
class RecordedName:
    """One name of the published RTL, letter by letter."""

    seed: int
    temperature: int
    """UQ8.8."""
    steps: tuple[Step, ...]


@cache
def recorded_names() -> tuple[RecordedName, ...]:
    """Return all recorded names."""
    data = json.loads((Path(__file__).parent.parent / "data" / "talos_v2_vectors.json").read_text())
    return tuple(
        RecordedName(
            name["seed"],
            name["temperature_q8_8"],
            tuple(_step(pos, dict(zip(data["columns"], row, strict=True))) for pos, row in enumerate(name["steps"])),
        )
        for name in data["names"]
    )


def _step(pos: int, row: dict[str, Any]) -> Step:
    return Step(pos=pos, **row | {"logits": tuple(row["logits"])})


def assert_steps(actual: Iterable[Step], expected: Iterable[Step], where: str) -> None:
    """Fail with position, field, index, expected and actual of the first difference."""
    got, wanted = list(actual), list(expected)
    for step, reference in zip(got, wanted, strict=False):
        a, b = step.to_json(), reference.to_json()
        for field, value in b.items():
            pairs = list(zip(a[field], value, strict=True)) if field == "logits" else [(a[field], value)]
            for index, (x, y) in enumerate(pairs):
                assert x == y, f"{where}: step {reference.pos}: {field}[{index}] must be {y}, not {x}"
    assert len(got) == len(wanted), f"{where}: {len(got)} steps, not {len(wanted)}"
