"""Signals read out of a waveform, and their values at clock edges."""

from __future__ import annotations

import re
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["read_signals", "sample"]


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
