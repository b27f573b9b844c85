"""The recorder around a core: its Verilog, the requests that it is given, and what it writes down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from amaranth.lib import data

from cosim.core.payload import Digits, Ints, Packing, integers
from cosim.core.request import Request
from hdl.core.config import CoreConfig
from hdl.core.interface import COUNTERS, CoreSignature, Stage, request_layout, result_layout
from hdl.design import Design

__all__ = ["TOP", "Change", "Recording", "half_period_ps", "packings", "read_turn", "recorder_verilog", "write_turn"]

TOP = "lock_step"
"""The module around the core, whose instance has the core's name."""

_SOURCE = Path(__file__).with_name("recorder.v")
_REQUESTS, _RESULTS, _ENDS, _CHANGES = "requests", "results", "ends", "changes"
_END = data.StructLayout(
    {"stage": Stage, "request__ready": 1, "result__valid": 1, "error": 1, "busy": 1, "given_up": 1}
)
"""What an end says beside number, edge and counters; the last digits first."""


def half_period_ps(clock_hz: int) -> int:
    """Return half the period of a clock in ps, rounded."""
    return round(1e12 / clock_hz / 2)


@cache
def packings(core: CoreConfig) -> dict[str, Packing]:
    """Return the layouts of the core's ports: REQUEST, RESULT, LOGITS, STAGE and COUNTERS."""
    logit = core.arithmetic.logit
    return {
        "REQUEST": Packing(request_layout(core.model)),
        "RESULT": Packing(result_layout(core.model, logit)),
        "LOGITS": Packing(CoreSignature(core.model, logit).members["logits"].shape),
        "STAGE": Packing(data.StructLayout({"stage": Stage})),
        "COUNTERS": Packing(COUNTERS),
    }


def recorder_verilog(design: Design) -> str:
    """Return the Verilog of the module ``TOP`` around a design's core, a module of the design's name."""
    widths = {f"{name}_BITS": packing.width for name, packing in packings(design.core).items()}
    defined = {"CORE": design.name, "HALF_PERIOD": half_period_ps(design.clock_hz), **widths}
    return "".join(f"`define {name} {value}\n" for name, value in defined.items()) + _SOURCE.read_text()


def write_turn(core: CoreConfig, requests: Sequence[Request], counts: Ints, limits: Ints, folder: Path) -> None:
    """Write the requests of a turn: how many results each has, and the cycles after which it is given up."""
    packing = packings(core)["REQUEST"]
    fields = {name: np.array([getattr(request, name) for request in requests]) for name in packing.slots}
    payloads = packing.digits(fields)
    lines = [
        f"{payload.tobytes().decode()} {count} {limit}\n"
        for payload, count, limit in zip(payloads, counts.tolist(), limits.tolist(), strict=True)
    ]
    (folder / _REQUESTS).write_text("".join(lines))


@dataclass(frozen=True)
class Change:
    """What no core does; see recorder.v."""

    number: int
    edge: int
    what: str
    before: str
    now: str


@dataclass(frozen=True, eq=False)
class Recording:
    """What was seen in a turn."""

    result_numbers: Ints
    """Of which request each result is, [result]."""
    edges: Ints
    """Clock edge that took it."""
    payloads: Digits
    logits: Digits
    accepted: Ints
    """Clock edge that accepted each request, [request]."""
    states: Digits
    """The core right after each request, the fields of ``state`` in it."""
    counters: Digits
    changes: tuple[Change, ...]

    state = Packing(_END)
    """given_up, busy, error, result__valid, request__ready and stage."""


def read_turn(core: CoreConfig, folder: Path) -> Recording:
    """Return what the recorder has written; ValueError if that is not what it writes, as on a full disk."""
    layouts = packings(core)
    widths = (32, 64, layouts["RESULT"].width, layouts["LOGITS"].width)
    number, edge, payloads, logits = _read(folder / _RESULTS, widths)
    ends = _read(folder / _ENDS, (32, 64, Recording.state.width, layouts["COUNTERS"].width))
    if (integers(ends[0]) != np.arange(len(ends[0]))).any():
        raise ValueError(f"{folder / _ENDS} must have a line of each request, in order")
    changes = [line.split() for line in (folder / _CHANGES).read_text().splitlines()]
    return Recording(
        result_numbers=integers(number), edges=integers(edge), payloads=payloads, logits=logits,
        accepted=integers(ends[1]), states=ends[2], counters=ends[3],
        changes=tuple(Change(int(number), int(edge), *rest) for number, edge, *rest in changes),
    )  # fmt: skip


def _read(path: Path, widths: Sequence[int]) -> list[Digits]:
    """Return the columns of a file whose lines are fields of fixed width."""
    text = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    length = sum(widths) + 1
    if len(text) % length or (text[length - 1 :: length] != ord("\n")).any():
        raise ValueError(f"{path} must have lines of {length - 1} digits")
    lines = text.reshape(-1, length)
    ends = np.cumsum(widths)
    return [lines[:, end - width : end] for end, width in zip(ends, widths, strict=True)]
