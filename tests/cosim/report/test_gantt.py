"""The Gantt chart: read from a waveform, it shows the instructions in the cycles that the timeline gives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cosim.cli import main
from cosim.core.bench_run import run_bench
from cosim.core.verify import NAMES_BENCH
from cosim.engine.simulators import Simulator
from cosim.report.gantt import Gantt, draw, read_gantt, record_gantt, rows_of, text_chart
from hdl.block_diagram import arrows_of
from hdl.core.core import Core
from hdl.core.cores import core_config
from hdl.core.timeline import timeline
from talos_ref.model.config import ModelConfig
from tests.helpers.core_bench import random_checkpoint
from tests.helpers.cosim_designs import compiled, generated, sampled_requests
from tests.helpers.designs import design_of, published


def test_chart_of_a_step(tmp_path: Path) -> None:
    design, [request] = published("tile16"), sampled_requests("tile16", 1)
    waveform = tmp_path / "waves.vcd"
    model = compiled("tile16", Simulator.ICARUS)
    findings = run_bench(model, design, NAMES_BENCH, requests=[request], waveform=waveform)
    core = Core(design)
    steps = len(findings.counted[0].step_cycles)
    for step in range(steps):
        gantt = read_gantt(waveform, design.core, step)
        done = timeline(core, step)
        assert gantt.cycles == done[-1].cycle
        shown = [cycle for cycle, active in enumerate(gantt.rows["instruction done"]) if active and cycle > 0]
        assert shown == [entry.cycle for entry in done]
    with pytest.raises(ValueError, match=rf"^step must be 0 to {steps - 1}, not {steps}$"):
        read_gantt(waveform, design.core, steps)
    assert record_gantt(generated("tile16"), request, 0) == read_gantt(waveform, design.core, 0)


def test_rows_are_of_units_that_the_core_has() -> None:
    """Also where the tile makes the head, as for a large alphabet."""
    model = ModelConfig(alphabet="abc", block_size=4, n_embd=4, n_head=1, mlp_dim=4)
    dense = replace(core_config("wide", model), sparse_head=False)
    designs = [published("tile16"), published("fused"), design_of(dense, random_checkpoint(model, 1))]
    for design, wanted in zip(designs, (9, 13, 11), strict=True):
        rows, units = rows_of(design.core), Core(design).units.named
        assert len(rows) == wanted
        assert {name.split(".")[0] for name in rows.values()} <= set(units)
    assert {arrow.source for arrow in arrows_of(Core(designs[2]))} <= {*Core(designs[2]).units.named, "request"}


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
    assert capsys.readouterr().err == "error: --core must be tile16, wide or fused, not 'huge'\n"
