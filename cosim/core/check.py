"""Findings held against what was asked for, before anybody believes or keeps them."""

from __future__ import annotations

from collections.abc import Sequence

from cosim.core.bench_config import Findings
from cosim.core.checker import Counted
from cosim.core.enums import STAGES
from cosim.core.payload import Packing
from cosim.core.request import Request
from cosim.engine.simulators import SimulatorError
from hdl.core.config import CoreConfig
from hdl.core.interface import COUNTERS, result_layout

__all__ = ["check_names", "check_tests"]


def check_tests(findings: Findings, tests: Sequence[str]) -> None:
    """Raise SimulatorError unless findings are of the tests that the simulator says it ran, in order."""
    if findings.tests != tuple(tests):
        raise SimulatorError(f"findings must be of the tests {', '.join(tests)}, not of {', '.join(findings.tests)}")


def check_names(findings: Findings, requests: Sequence[Request], core: CoreConfig) -> None:
    """Raise SimulatorError unless findings are of these requests for names: each once, in order, and in agreement.

    That is mode, seed, temperature and limit of every request, steps and letters that its limit allows, cycles that are
    those of its steps and of its stages, and as many values as such steps have.
    """
    counted = findings.counted
    for number, (found, request) in enumerate(zip(counted, requests, strict=False), start=1):
        if found.request != request:
            text = f"result {number} must be of a {request.describe()}, not of a {found.request.describe()}"
            raise SimulatorError(text)
        if text := _disagreement(found):
            raise SimulatorError(f"{request.describe()}: {text}")
    if len(counted) != len(requests):
        raise SimulatorError(f"there must be results of {len(requests)} requests, not of {len(counted)}")
    steps = sum(len(found.step_cycles) for found in counted)
    if findings.steps != steps:
        raise SimulatorError(f"there must be {steps} steps in these results, not {findings.steps}")
    values = steps * _values_of_step(core) + len(counted) * len(Packing(COUNTERS).slots)
    if findings.values != values:
        raise SimulatorError(f"{values} values must be compared in {steps} steps, not {findings.values}")


def _disagreement(found: Counted) -> str:
    """Return where figures of a name cannot be right, nothing if they can."""
    steps = len(found.step_cycles)
    if not 1 <= steps <= found.request.limit:
        return f"steps must be 1 to {found.request.limit}, not {steps}"
    if found.letters not in (steps - 1, steps):
        return f"letters of {steps} steps must be {steps - 1} or {steps}, not {found.letters}"
    if sum(found.step_cycles) != found.cycles:
        return f"cycles of the steps must add up to {found.cycles}, not {sum(found.step_cycles)}"
    if sum(found.stages) != found.cycles or found.stages[STAGES["IDLE"]]:
        return f"cycles by stage must add up to {found.cycles}, none of them idle, not {list(found.stages)}"
    return ""


def _values_of_step(core: CoreConfig) -> int:
    return len(Packing(result_layout(core.model, core.arithmetic.logit)).slots) + core.model.vocab_size
