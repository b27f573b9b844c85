"""The Gantt chart: read from a waveform, it shows the instructions in the cycles that the timeline gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosim.cli import main
from cosim.core.verify import run_bench
from cosim.engine.simulators import Simulator
from cosim.report.gantt import Gantt, draw, read_gantt, text_chart
from hdl.core.config import CORES
from hdl.core.core import Core
from hdl.core.timeline import timeline
from tests.helpers.cosim_designs import compiled, design, sampled_requests
from tests.helpers.designs import published


def test_chart_of_a_step() -> None:
    config = CORES["tile16"]
    outcome, findings = run_bench(
        compiled("tile16", Simulator.ICARUS),
        design("tile16"),
        "cosim.core.bench_names",
        name="gantt",
        requests=sampled_requests("tile16", 1),
        waves=True,
    )
    assert outcome.waveform is not None
    core = Core(published(config.name))
    for step in range(len(findings.counted[0].step_cycles)):
        gantt = read_gantt(outcome.waveform, config, step)
        done = timeline(core, step)
        assert gantt.cycles == done[-1].cycle
        shown = [cycle for cycle, active in enumerate(gantt.rows["instruction done"]) if active and cycle > 0]
        assert shown == [entry.cycle for entry in done]
    steps = len(findings.counted[0].step_cycles)
    with pytest.raises(ValueError, match=rf"^step must be 0 to {steps - 1}, not {steps}$"):
        read_gantt(outcome.waveform, config, steps)


def test_text_and_picture(tmp_path: Path) -> None:
    gantt = Gantt("any", 3, {"tile": (False, True, True), "sampler": (False, False, True)})
    assert text_chart(gantt).splitlines() == [
        "any, step 3: 2 cycles",
        "         0  ",
        "         012",
        "tile     .##",
        "sampler  ..#",
    ]
    picture = tmp_path / "gantt.svg"
    draw(gantt, picture)
    assert "<svg" in picture.read_text()


def test_unknown_core(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gantt", "--core", "huge"]) == 2
    assert "core must be one of" in capsys.readouterr().err
