"""Rows of a GPU: a launch for every operation, a single stream, and as many streams as it has room for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import numpy as np

from host_c.bench.row import TEMPERATURE, Row, Work
from host_c.cuda.cuda_device import CudaDevice
from host_c.cuda.devices import Device
from host_c.cuda.layout import check_shape
from host_c.cuda.model import DeviceModel
from talos_ref.golden.format import Q4_12, Format
from talos_ref.model.checkpoint import Checkpoint

__all__ = ["cuda_rows", "missing_cuda"]

LABELS = {"float": "CUDA float32", "folded": f"CUDA {Q4_12} folded"}


@cache
def _found() -> Device | str:
    """Return this machine's GPU, or why there is none to measure."""
    try:
        return CudaDevice()
    except ImportError:
        return "cuda-bindings is not installed; install talos[cuda]"
    except RuntimeError as error:
        return str(error)


def missing_cuda(checkpoint: Checkpoint, word: Format) -> list[str]:
    """Return why the rows of a GPU are not measured; nothing if they are."""
    device = _found()
    if isinstance(device, str):
        return [f"CUDA: {device}"]
    reasons = []
    for name, label in LABELS.items():
        try:
            _model(checkpoint, name, word, device)
        except ValueError as error:
            reasons.append(f"{label}: {error}")
    return reasons


def _model(checkpoint: Checkpoint, name: str, word: Format, device: Device) -> DeviceModel:
    """Return a model on the device; ValueError if its kernels do not take the checkpoint or the word."""
    check_shape(checkpoint.config)
    if name == "folded" and str(word) != str(Q4_12):
        raise ValueError(f"word must be {Q4_12} on a GPU, not {word}")
    return DeviceModel(checkpoint, name, device)


def cuda_rows(checkpoint: Checkpoint, word: Format, device: Device | None = None, scale: float = 1) -> list[Work]:
    """Return the rows that a device can measure, by default this machine's GPU if it has one.

    Steps are counted once the names are back in this machine's memory. ``scale`` is for the names of a run.
    """
    found = _found() if device is None else device
    if isinstance(found, str):
        return []
    rows: list[Work] = []
    for name, label in LABELS.items():
        try:
            model = _model(checkpoint, name, word, found)
        except ValueError:
            continue
        kinds: dict[str, tuple[Callable[[int], int], int]] = {
            "a launch an operation": (partial(_by_operations, model), 60),
            "one stream": (partial(_one_stream, model), 60_000),
            "all streams": (partial(_all_streams, model), 4_000_000),
        }
        for kind, (work, names) in kinds.items():
            row = Row(name=f"{label}, {found.name}, {kind}", kind="measured")
            rows.append((row, work, max(2, round(names * scale))))
    return rows


def _by_operations(model: DeviceModel, names: int) -> int:
    return model.by_operations(2, TEMPERATURE, names)[1]


def _one_stream(model: DeviceModel, names: int) -> int:
    return model.one_stream(2, TEMPERATURE, names)[2]


def _all_streams(model: DeviceModel, names: int) -> int:
    return model.many_streams(np.arange(1, names + 1, dtype=np.uint32), TEMPERATURE)[2]
