"""Cycles read out of a waveform: what happened at every clock edge, by nothing but the recorded ports."""

from __future__ import annotations

import re
import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cosim.core.enums import STAGES, stage_name
from cosim.core.payload import Packing
from hdl.core.config import CoreConfig
from hdl.core.interface import result_layout

__all__ = ["Recorded", "read_requests", "read_signals", "sample"]

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


def read_signals(path: Path, top: str, names: tuple[str, ...]) -> dict[str, list[tuple[int, str]]]:
    """Return signal of ``top`` -> changes (time in the file's unit, binary digits).

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file does not record one of the signals.
    """
    if not path.is_file():
        raise FileNotFoundError(f"waveform {path} does not exist")
    handler = signal.getsignal(signal.SIGPIPE)
    from vcdvcd import VCDVCD

    # vcdvcd 2.6.0 makes a broken pipe kill the whole process as it is imported.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGPIPE, handler)
    pattern = re.compile(rf"(.*\.)?{re.escape(top)}\.({'|'.join(map(re.escape, names))})(\[\d+:\d+\])?$")
    recording: Any = VCDVCD(str(path), signal_res=[pattern])
    found: dict[str, list[tuple[int, str]]] = {}
    for reference in recording.signals:
        match = pattern.match(reference)
        if match is not None:
            found[match[2]] = recording[reference].tv
    missing = [name for name in names if not found.get(name)]
    if missing:
        raise ValueError(f"waveform {path} must record {top}.{missing[0]}; it has {', '.join(found) or 'none of it'}")
    return found


def sample(changes: list[tuple[int, str]], edges: npt.NDArray[np.int64]) -> list[str]:
    """Return the digits just before each edge; X before the first change."""
    times = np.array([time for time, _ in changes], dtype=np.int64)
    values = ["x", *(digits for _, digits in changes)]
    return [values[index] for index in np.searchsorted(times, edges, side="left")]


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
    packing = Packing(result_layout(core.model, core.arithmetic.word))
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
