"""The lock step beside a plain loop around the same model."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosim.cli import main
from cosim.core.speed import measure_speed
from cosim.engine.compile import link_program
from cosim.engine.simulators import Simulator
from tests.helpers.cosim_designs import compiled, generated, sampled_requests


def test_the_lock_step_costs_less_than_the_core() -> None:
    """A loose bound, for few names: a bench that woke Python in every step took three times the core's time."""
    plain, lock_step = measure_speed(generated("tile16"), sampled_requests("tile16", 150), rounds=1)
    assert plain.steps == lock_step.steps > 900
    # The recorder needs two cycles more at the beginning of a turn.
    assert abs(lock_step.cycles - plain.cycles) < 0.01 * plain.cycles
    assert lock_step.cycles_per_second > 0.4 * plain.cycles_per_second


def test_programs_are_linked_around_verilator_alone(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^model must be one of Verilator without waveforms$"):
        link_program(compiled("tile16", Simulator.ICARUS), tmp_path / "main.cpp", tmp_path)


def test_bad_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["speed", "--core", "huge"]) == 2
    assert capsys.readouterr().err == "error: --core must be tile16, wide or fused, not 'huge'\n"
    assert main(["speed", "--rounds", "0"]) == 2
    assert capsys.readouterr().err.startswith("error: --rounds must be")
