"""A Gantt chart of one step: which unit works in which cycle, read from a waveform."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cosim.core.bench_run import run_bench
from cosim.core.check import check_names
from cosim.core.request import Request
from cosim.core.verify import NAMES_BENCH, Generated, compile_design
from cosim.engine.run_folder import run_folder
from cosim.engine.simulators import Simulator
from cosim.engine.waveform import read_signals, sample
from hdl.core.config import CoreConfig
from hdl.units.samplers import sampler_of

__all__ = ["ROWS", "Gantt", "draw", "read_gantt", "record_gantt", "rows_of", "text_chart"]

ROWS = {
    "instruction done": "sequencer.done",
    "RMSNorm begins": "rmsnorm.i__valid",
    "tile multiplies": "tile.multipliers__valid",
    "words written": "vectors.words__valid",
    "attention begins": "attention.start",
    "attention multiplies": "attention.multipliers__valid",
    "attention offered": "attention.o__valid",
    "logits there": "vectors.logits_valid",
    "token offered": "control.draw__valid",
}
"""What a row shows -> signal below the core."""

DEFERRED_ROWS = {
    "quotients multiplied": "attention.quotient_multipliers__valid",
    "hidden unit multiplied": "head.sparse_multipliers__valid",
    "head scaled": "head.scale_multipliers__valid",
}
"""The same for units that only a deferred arithmetic has."""

SAMPLER_ROWS = {"multipliers": "logits tempered", "noise_multipliers": "noise multiplied"}
"""Port of a sampler -> what its row shows, where a sampler has it."""


def rows_of(core: CoreConfig) -> dict[str, str]:
    """Return what the rows of a core's chart show -> signal below the core."""
    rows = ROWS | (DEFERRED_ROWS if core.arithmetic.deferred else {})
    spec, model = core.arithmetic.sampler, core.model
    ports = sampler_of(spec).turns(spec, core.arithmetic.logit, model.vocab_size, core.sampler_lanes)
    rows |= {label: f"sampler.{port}__valid" for port, label in SAMPLER_ROWS.items() if port in ports}
    # Where the tile makes the head there is no unit of that name.
    return {label: name for label, name in rows.items() if not (core.dense_head and name.startswith("head."))}


@dataclass(frozen=True)
class Gantt:
    """Activity of one step; ``rows[label][cycle]``, cycle 0 being the one that takes the result before."""

    core: str
    step: int
    rows: dict[str, tuple[bool, ...]]

    @property
    def cycles(self) -> int:
        """Length of the step: its last cycle takes its result."""
        return len(next(iter(self.rows.values()))) - 1


def record_gantt(generated: Generated, request: Request, step: int) -> Gantt:
    """Return the chart of a step of a request, simulated by Icarus.

    Raises Mismatch if the core differs from the golden model; ValueError if there is no such step; SimulatorError if
    the simulator fails.
    """
    model = compile_design(Simulator.ICARUS, generated, waves=True)
    with run_folder(model.runs, "gantt") as folder:
        found = run_bench(model, generated.design, NAMES_BENCH, requests=[request], waveform=folder / "waves.vcd")
        check_names(found, [request], generated.core)
        return read_gantt(folder / "waves.vcd", generated.core, step)


def read_gantt(path: Path, core: CoreConfig, step: int) -> Gantt:
    """Return the chart of step ``step`` (from 0) of the first request in a waveform.

    Raises ValueError if the waveform has no such step, FileNotFoundError if there is no waveform.
    """
    rows = rows_of(core)
    ports = ("clk", "request__valid", "request__ready", "result__valid", "result__ready")
    changes = read_signals(path, core.name, (*ports, *rows.values()))
    edges = np.array([time for time, value in changes["clk"] if value == "1"], dtype=np.int64)
    samples = {name: sample(found, edges) for name, found in changes.items() if name != "clk"}

    def both(stream: str) -> list[int]:
        pairs = zip(samples[f"{stream}__valid"], samples[f"{stream}__ready"], strict=True)
        return [edge for edge, pair in enumerate(pairs) if pair == ("1", "1")]

    begun = both("request")[0]
    ends = [begun, *(edge for edge in both("result") if edge > begun)]
    if not 0 <= step < len(ends) - 1:
        raise ValueError(f"step must be 0 to {len(ends) - 2}, not {step!r}")
    first, last = ends[step], ends[step + 1]
    active = {
        label: tuple(value == "1" for value in samples[name][first : last + 1]) for label, name in rows.items()
    }
    return Gantt(core.name, step, active)


def text_chart(gantt: Gantt) -> str:
    """Return the chart as text, a column a cycle."""
    width = max(map(len, gantt.rows))
    tens = "".join(str(cycle // 10 % 10) if cycle % 10 == 0 else " " for cycle in range(gantt.cycles + 1))
    units = "".join(str(cycle % 10) for cycle in range(gantt.cycles + 1))
    lines = [f"{gantt.core}, step {gantt.step}: {gantt.cycles} cycles"]
    lines += [f"{'':{width}}  {digits}" for digits in (tens, units)]
    for label, row in gantt.rows.items():
        lines.append(f"{label:{width}}  {''.join('#' if active else '.' for active in row)}")
    return "\n".join(lines)


def draw(gantt: Gantt, path: Path) -> None:
    """Draw the chart into an SVG or PNG file, by the ending of its name."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4 + 0.2 * gantt.cycles, 1 + 0.3 * len(gantt.rows)), layout="constrained")
    axes = figure.subplots()
    for place, row in enumerate(gantt.rows.values()):
        axes.broken_barh([(cycle, 1) for cycle, active in enumerate(row) if active], (place - 0.4, 0.8))
    axes.set_yticks(range(len(gantt.rows)), list(gantt.rows))
    axes.invert_yaxis()
    axes.set_xlim(0, gantt.cycles + 1)
    axes.set_xlabel(f"cycle of step {gantt.step} on {gantt.core}, {gantt.cycles} cycles")
    axes.grid(axis="x", alpha=0.3)
    figure.savefig(path)
