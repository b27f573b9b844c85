"""The lock step's speed beside that of the same Verilated model in a plain C++ loop."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cosim.core.bench_run import run_bench
from cosim.core.model import GoldenModel
from cosim.core.recorder import write_turn
from cosim.core.request import Request
from cosim.core.verify import Generated, compile_design
from cosim.engine.compile import link_program
from cosim.engine.run_folder import run_folder
from cosim.engine.simulators import Simulator, SimulatorError
from talos_ref.processes import execute

__all__ = ["Speed", "measure_speed"]

_BENCH = "cosim.core.bench_speed"
_SPEED = "speed "
"""Begins the line of a bench that says cycles, steps and microseconds of processor time."""
_PLAIN_LOOP = Path(__file__).with_name("plain_loop.cpp")


@dataclass(frozen=True)
class Speed:
    """Cycles and processor time of the same requests, of all rounds together."""

    cycles: int
    steps: int
    microseconds: int

    @property
    def cycles_per_second(self) -> float:
        """Cycles in a second of processor time."""
        return 1e6 * self.cycles / self.microseconds

    def __add__(self, other: Speed) -> Speed:
        return Speed(self.cycles + other.cycles, self.steps + other.steps, self.microseconds + other.microseconds)


def measure_speed(
    generated: Generated,
    requests: Sequence[Request],
    rounds: int,
    *,
    reference: str = "python",
) -> tuple[Speed, Speed]:
    """Return the speed of the plain loop and of the lock step, under Verilator, each ``rounds`` times in turn.

    Both run the same machine code of the same model. The plain loop asks for the requests and waits for their results.
    The lock step's time is all of it, from the golden model's first answer to the last comparison; starting Python is
    left out. Processor time is measured, so that other work on the machine does not count. Mismatch and SimulatorError
    as of `cosim.core.bench_run.run_bench`.
    """
    model = compile_design(Simulator.VERILATOR, generated)
    plain = lock_step = Speed(0, 0, 0)
    with run_folder(model.runs, "speed") as folder:
        program = link_program(model, _PLAIN_LOOP, folder)
        counts = GoldenModel(generated.design, reference).answers(requests).counts
        write_turn(generated.core, requests, counts, np.zeros_like(counts), folder)
        for _ in range(rounds):
            lines = list[str]()
            if execute([str(program), "requests"], folder, dict(os.environ), folder / "plain.log",
                       on_line=lines.append) != 0:  # fmt: skip
                raise SimulatorError("the plain loop must end", folder / "plain.log")
            plain += _speed(lines[-1])
            lines.clear()
            run_bench(model, generated.design, _BENCH, requests=requests, reference=reference, on_line=lines.append)
            lock_step += _speed(next(line for line in lines if line.startswith(_SPEED)).removeprefix(_SPEED))
    if plain.steps != lock_step.steps:
        raise SimulatorError(f"both must take as many steps, not {plain.steps} and {lock_step.steps}")
    return plain, lock_step


def _speed(line: str) -> Speed:
    return Speed(*map(int, line.split()))
