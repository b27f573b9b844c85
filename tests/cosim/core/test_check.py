"""Results that are not those asked for are refused: swapped, missing, doubled, of another run, or not adding up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cosim.core.bench_config import BenchConfig, Findings
from cosim.core.check import check_names, check_tests
from cosim.core.checker import Counted
from cosim.core.enums import STAGES
from cosim.core.request import name_request
from cosim.engine.simulators import SimulatorError
from hdl.core.cores import core_config

CORE = core_config("tile16")
REQUESTS = [name_request(seed, 0x80, 15) for seed in (1, 2, 3)]


def counted(seed: int) -> Counted:
    """Return a name of two letters."""
    stages = [0] * len(STAGES)
    stages[STAGES["ATTENTION"]] = 900
    return Counted(name_request(seed, 0x80, 15), 900, (290, 300, 310), 2, tuple(stages))


def findings(*names: Counted) -> Findings:
    """Return what a right run of some names finds: 34 integers a step, three counters and the stages a name."""
    steps = 3 * len(names)
    values = 34 * steps + len(names) * (3 + len(STAGES))
    return Findings(tests=("names",), counted=names, steps=steps, values=values, mismatch=None)


RIGHT = findings(counted(1), counted(2), counted(3))


def test_right_results_pass() -> None:
    check_names(RIGHT, REQUESTS, CORE)


def other(index: int, **fields: object) -> Callable[[], Findings]:
    """Return findings of which one name is another."""

    def make() -> Findings:
        names = list(RIGHT.counted)
        names[index] = replace(names[index], **fields)  # type: ignore[arg-type]
        return replace(RIGHT, counted=tuple(names))

    return make


NAME = r"name of seed \d+, temperature 0\.5, limit 15"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: findings(counted(2), counted(1), counted(3)), f"result 1 must be of a {NAME}, not of a {NAME}"),
        (lambda: findings(counted(1), counted(2)), "there must be results of 3 requests, not of 2"),
        (lambda: findings(*RIGHT.counted, counted(4)), "there must be results of 3 requests, not of 4"),
        (lambda: findings(*RIGHT.counted, *RIGHT.counted), "there must be results of 3 requests, not of 6"),
        (other(1, request=name_request(2, 0x180, 15)), f"result 2 must be of a {NAME}, not of a name of .* 1.5, .*"),
        (other(1, request=name_request(2, 0x80, 14)), f"result 2 must be of a {NAME}, not of a name of .* limit 14"),
        (other(2, cycles=901), f"{NAME}: cycles of the steps must add up to 901, not 900"),
        (other(2, letters=1), f"{NAME}: letters of 3 steps must be 2 or 3, not 1"),
        (other(2, step_cycles=()), f"{NAME}: steps must be 1 to 15, not 0"),
        (other(2, stages=(0,) * len(STAGES)), f"{NAME}: cycles by stage must add up to 900, none of them idle, not .*"),
        (lambda: replace(RIGHT, steps=10), "there must be 9 steps in these results, not 10"),
        (lambda: replace(RIGHT, values=RIGHT.values - 1), f"{RIGHT.values} values .*, not {RIGHT.values - 1}"),
    ],
)
def test_other_results_are_refused(wrong: Callable[[], Findings], message: str) -> None:
    with pytest.raises(SimulatorError, match=f"^{message}$"):
        check_names(wrong(), REQUESTS, CORE)


def test_findings_of_another_run_are_refused(tmp_path: Path) -> None:
    mine, foreign = (BenchConfig(design="", simulator="Sim 1") for _ in range(2))
    assert mine.findings(tmp_path) is None
    foreign.add(RIGHT, tmp_path)
    assert foreign.findings(tmp_path) == RIGHT
    text = r"^.*/findings\.json must hold the findings of run \w{32}, not of \w{32}$"
    with pytest.raises(SimulatorError, match=text):
        mine.findings(tmp_path)
    with pytest.raises(SimulatorError, match=r"must hold the findings of run"):
        mine.add(RIGHT, tmp_path)


def test_other_tests_are_refused() -> None:
    check_tests(RIGHT, ["names"])
    with pytest.raises(SimulatorError, match=r"^findings must be of the tests names, busy, not of names$"):
        check_tests(RIGHT, ["names", "busy"])
