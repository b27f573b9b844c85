"""Requests read out of a waveform: their cycles, by nothing but the recorded ports of a core."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cosim.core.enums import STAGES, stage_name
from cosim.core.payload import Packing
from cosim.engine.waveform import read_signals, sample
from hdl.core.config import CoreConfig
from hdl.core.interface import result_layout

__all__ = ["Recorded", "read_requests"]

_PORTS = (
    *("clk", "stage", "request__valid", "request__ready", "result__valid", "result__ready", "result__payload"),
    *("busy", "clear", "rst"),
)


@dataclass(frozen=True)
class Recorded:
    """One finished request in a waveform."""

    cycles: int
    """Clock edges after the accepting one, up to the one that took the last result."""
    step_cycles: tuple[int, ...]
    stages: tuple[int, ...]
    """Cycles by stage, indexed by ``STAGES``."""


def _extend(digits: str, width: int) -> str:
    """Return digits at full width; a VCD file leaves out leading zeros, and repeated X or Z."""
    fill = digits[0] if digits[0] in "xXzZ" else "0"
    return digits.rjust(width, fill)


def read_requests(path: Path, core: CoreConfig) -> list[Recorded]:
    """Return the finished requests of a recorded run, in order; an abandoned one is left out.

    Raises ValueError if the file lacks a port, or a stage in it is unknown.
    """
    changes = read_signals(path, core.name, _PORTS)
    edges = np.array([time for time, value in changes["clk"] if value == "1"], dtype=np.int64)
    samples = {name: sample(changes[name], edges) for name in _PORTS[1:]}
    packing = Packing(result_layout(core.model, core.arithmetic.logit))
    last = packing.slots["last"]
    requests: list[Recorded] = []
    begun, taken, stages = -1, 0, [0] * len(STAGES)
    steps: list[int] = []
    for edge in range(len(edges)):
        now = {name: values[edge] for name, values in samples.items()}
        if now["rst"] == "1" or now["clear"] == "1":
            begun = -1
            continue
        if begun >= 0:
            stages[_stage(now["stage"])] += 1
            if now["result__valid"] == now["result__ready"] == "1":
                steps.append(edge - taken)
                taken = edge
                if last.decode(_extend(now["result__payload"], packing.width)) == 1:
                    requests.append(Recorded(edge - begun, tuple(steps), tuple(stages)))
                    begun = -1
        elif now["request__valid"] == now["request__ready"] == "1":
            begun, taken, stages, steps = edge, edge, [0] * len(STAGES), []
    return requests


def _stage(digits: str) -> int:
    name = stage_name(digits)
    if name not in STAGES:
        raise ValueError(f"stage must be known while the core is busy, not {digits!r}")
    return STAGES[name]
