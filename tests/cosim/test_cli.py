"""The command lines of cosim: figures in build/sim.json, waveforms, and one line for what cannot be done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cosim import cli, simulate
from cosim.core import verify
from cosim.core.checker import Counted
from cosim.core.enums import STAGES
from cosim.core.measurement import Measurement, compare_recorded, compare_simulators
from cosim.core.recorded import Recorded
from cosim.core.request import name_request
from cosim.page.inputs import check
from cosim.report.tables import print_report
from hdl.core.config import CLOCK_HZ
from hdl.core.cores import core_config
from talos_ref.baselines.published import FPGAS
from talos_ref.model.checkpoint import Checkpoint, save
from talos_ref.terminal import console
from tests.helpers.cosim_designs import generated
from tests.helpers.designs import published

CORE = core_config("tile16")
FIELDS = {
    *("core", "simulator", "arithmetic", "steps", "letters", "cycles", "cycles_per_step", "cycles_by_position"),
    *("cycles_by_stage", "steps_per_second", "letters_per_second", "checked", "mismatches", "verilog_sha256"),
}
"""What scripts rely on."""


def run_sim(tmp_path: Path, *more: str) -> tuple[int, dict[str, Any]]:
    """Return status and report of a short run of one core in Icarus."""
    out = tmp_path / "sim.json"
    options = ["--core", "tile16", "--simulator", "icarus", "--icarus-names", "3", "--out", str(out), *more]
    status = cli.main(["sim", *options])
    return status, json.loads(out.read_text())


def test_sim_reports_and_remembers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generated("tile16")
    status, report = run_sim(tmp_path, "--again")
    shown = capsys.readouterr().out
    assert status == 0
    assert report["clock_hz"] == CLOCK_HZ == 56_250_000
    check("sim", report)
    [run] = report["runs"]
    assert run.keys() >= FIELDS
    assert run["core"] == "tile16"
    assert run["arithmetic"] == "talos-v2"
    assert run["simulator"].startswith("Icarus Verilog 1")
    assert run["mismatches"] == 0
    assert run["cycles"] == sum(run["cycles_by_stage"].values())
    assert run["cycles_per_step"] == run["cycles"] / run["steps"]
    assert run["steps_per_second"] == CLOCK_HZ * run["steps"] / run["cycles"]
    assert run["letters_per_second"] == CLOCK_HZ * run["letters"] / run["cycles"]
    # Of a step its seven fields and 27 logits; of each name cycles, steps, letters and stages.
    assert run["checked"]["values"] == run["steps"] * 34 + 3 * (3 + len(STAGES))
    assert run["checked"]["requests_in_waveform"] == 2
    assert len(run["cycles_by_position"]) <= CORE.model.block_size
    assert not run["unchanged_since_earlier_run"]
    for text in ("cycles per step by position", "cycles by stage", "gateGPT", "TALOS-V2", "published", "LM_HEAD"):
        assert text in shown
    assert list(tmp_path.iterdir()) == [tmp_path / "sim.json"]

    status, second = run_sim(tmp_path)
    assert status == 0
    assert second["runs"] == [run | {"unchanged_since_earlier_run": True}]
    assert "(unchanged)" in capsys.readouterr().out


def test_a_difference_fails_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A core with one flipped weight: status 1, the mismatch counted and printed."""
    text = generated("tile16").path.read_text()
    row = text.index("wte[26] = 256'h") + len("wte[26] = 256'h")
    digit = row + 40
    folder = tmp_path / "design"
    folder.mkdir()
    path = folder / "tile16.v"
    path.write_text(text[:digit] + f"{int(text[digit], 16) ^ 8:x}" + text[digit + 1 :])
    monkeypatch.setattr(simulate, "generate", lambda design: verify.Generated(design, path, "0", folder=tmp_path))
    status, report = run_sim(tmp_path)
    assert status == 1
    [run] = report["runs"]
    assert run["mismatches"] == 1
    assert run["first_mismatch"]["seed"] == 1
    assert run["first_mismatch"]["step"] == 0
    assert "error: tile16 in Icarus Verilog" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sim", "--core", "tile17"], "--core must be tile16, wide, fused or barrel, not 'tile17'"),
        (["sim", "--simulator", "questa"], "--simulator must be one of 'icarus', 'verilator', not 'questa'"),
        (["sim", "--names", "0"], "--count must be 1 to 100000, not 0"),
        (["sim", "--count", "-3"], "--count must be 1 to 100000, not -3"),
        (["sim", "--names", "100001"], "--count must be 1 to 100000, not 100001"),
        (["sim", "--names", "many"], "--count must be an integer, not 'many'"),
        (["sim", "--icarus-names", "0"], "--icarus-count must be 1 to 100000, not 0"),
        (["sim", "--seed", "0"], "--seed must be 1 to 4294967295 (xorshift32 never leaves state 0), not 0"),
        (["sim", "--seed", "0x100000000"], "--seed must be 1 to 4294967295"),
        (["sim", "--seed", "4294967295"], "seed must be 1 to 4294967295"),
        (["sim", "--temperature", "nan"], "--temperature must be a finite number, not 'nan'"),
        (["sim", "--temperature", "-1"], "temperature must be finite and 0 or more, not -1.0"),
        (["sim", "--temperature", "300"], "temperature must be"),
        (["sim", "--temperature", "warm"], "--temperature must be a number, not 'warm'"),
        (["sim", "--format", "Q4.11"], "--format must be Q4.12, Q5.12, Q6.12 or auto, not 'Q4.11'"),
        (["sim", "--weights", "none.npz"], "cannot open none.npz: No such file or directory"),
        (["sim", "--design", "none.json", "--core", "wide"], "--design must stand without --core"),
        (["sim", "--design", "none.json", "--weights", "w"], "--design must stand without --weights"),
        (["sim", "--core", "tile16", "--format", "Q5.12"], "word must be Q4.12 in talos-v2, not Q5.12"),
        (["waves", "--core", "tile17"], "--core must be tile16, wide or fused, not 'tile17'"),
        (["waves", "--simulator", ""], "--simulator must be one of 'icarus', 'verilator', not ''"),
        (["waves", "--seed", "x"], "--seed must be an integer, not 'x'"),
        (["gantt", "--step", "-1"], "--step must be 0 or more, not -1"),
        (["gates", "--faults", "0"], "--faults must be 1 to 100000, not 0"),
        (["reset", "--core", "none"], "--core must be tile16, wide or fused, not 'none'"),
        (["simulate"], "no such command 'simulate'; see python -m cosim --help"),
        ([], "missing command; see python -m cosim --help"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    status = cli.main(arguments)
    error = capsys.readouterr().err
    assert status == 2
    assert error.startswith(f"error: {message}")
    assert error.count("\n") == 1
    assert not list(tmp_path.rglob("*.json"))


def test_an_output_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("kept")
    status = cli.main(["sim", "--core", "tile16", "--out", str(tmp_path / "file" / "sim.json")])
    assert status == 2
    assert str(tmp_path / "file") in capsys.readouterr().err
    assert cli.main(["sim", "--core", "tile16", "--out", str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "kept"


def test_a_core_that_the_model_cannot_have(
    tmp_path: Path, small_checkpoint: Checkpoint, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, and nothing is built; where no core is asked for, those are left out that cannot be."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TALOS_BUILD", str(tmp_path / "cache"))
    weights = save(small_checkpoint, tmp_path / "two layers.npz")
    for command in ("sim", "waves", "gantt", "gates", "reset"):
        assert cli.main([command, "--core", "fused", "--weights", str(weights)]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith("error: ")
        assert said.err.count("\n") == 1
        assert "2" in said.err
    assert [path.name for path in tmp_path.iterdir()] == [weights.name]


def test_waves_writes_names_for_stages_and_states(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generated("tile16")
    folder = tmp_path / "waves"
    assert cli.main(["waves", "--core", "tile16", "--seed", "2", "--out", str(folder)]) == 0
    shown = capsys.readouterr().out
    vcd, save = folder / "tile16-seed2.vcd", folder / "tile16-seed2.gtkw"
    assert vcd.stat().st_size > 1_000_000
    text = save.read_text()
    assert str(vcd.resolve()) in text
    for group in ("-request", "-result", "-clock and control", "-attention", "-sampler"):
        assert group in text.splitlines()
    stage = next(line for line in text.splitlines() if line.endswith("tile16-stage.txt"))
    names = Path(stage.split(" ", 1)[1]).read_text().split()
    assert names[:6] == ["0", "IDLE", "1", "NORM", "2", "QKV"]
    operation = (folder / "tile16-sequencer-instruction.operation.txt").read_text()
    assert "MULTIPLY" in operation
    assert f"gtkwave {save}" in shown or "opening" in shown
    recorded = {word for line in vcd.read_text()[:2_000_000].splitlines() if "$var" in line for word in line.split()}
    assert {"stage", "result__valid"} <= {word.split("[")[0] for word in recorded}


def counted(seed: int = 1, steps: tuple[int, ...] = (10, 12)) -> Counted:
    """Return a finished name."""
    stages = [0] * len(STAGES)
    stages[STAGES["ATTENTION"]] = sum(steps)
    return Counted(name_request(seed, 0x80, 15), sum(steps), steps, len(steps) - 1, tuple(stages))


def measurement(*names: Counted, simulator: str = "A 1") -> Measurement:
    """Return a run of some names."""
    return Measurement(
        design=published("tile16"), simulator=simulator, verilog_sha256="0", counted=names, values=1, mismatch=None,
        recorded=0, differences=(),
    )  # fmt: skip


def test_figures_follow_from_the_cycles() -> None:
    run = measurement(counted(1, (10, 12)), counted(2, (10, 15, 20)))
    assert (run.steps, run.letters, run.cycles) == (5, 3, 67)
    assert run.cycles_by_position == [10, 13.5, 20]
    assert run.cycles_by_stage["ATTENTION"] == sum(run.cycles_by_stage.values()) == 67
    assert run.steps_per_second == CLOCK_HZ * 5 / 67
    assert run.letters_per_second == CLOCK_HZ * 3 / 67


def test_simulators_that_disagree_are_told() -> None:
    same = measurement(counted(1), simulator="B 2")
    other = measurement(counted(1, (10, 13)), simulator="B 2")
    assert compare_simulators(measurement(counted(1), counted(2)), same) == []
    [line] = compare_simulators(measurement(counted(1)), other)
    assert "A 1 took (10, 12) cycles, B 2 (10, 13)" in line
    [line] = compare_simulators(measurement(counted(1)), measurement(counted(2), simulator="B 2"))
    assert "must run a request in common" in line


def test_a_waveform_that_disagrees_is_told() -> None:
    name = counted()
    right = Recorded(name.cycles, name.step_cycles, name.stages)
    assert compare_recorded([name], [right]) == []
    [line] = compare_recorded([name], [Recorded(23, name.step_cycles, name.stages)])
    assert "cycles in the waveform must be 22, not 23" in line
    [line] = compare_recorded([name], [])
    assert "must show 1 finished requests, not 0" in line


def test_peers_are_marked_and_sourced() -> None:
    """Published figures are other people's: each row says where it is from and never mixes with ours."""
    assert {peer.origin for peer in FPGAS} == {"published", "published RTL, simulated"}
    for peer in FPGAS:
        assert peer.source.startswith("https://github.com/")
        assert peer.steps_per_second or peer.letters_per_second
    talos = next(peer for peer in FPGAS if peer.system == "TALOS-V2, simulation")
    assert (talos.clock_hz, talos.steps_per_second, talos.letters_per_second) == (56_250_000, 60_490, 51_060)
    assert round(56_250_000 / 930) == 60_484


def test_report_shows_every_peer(capsys: pytest.CaptureFixture[str]) -> None:
    print_report([measurement(counted())], console())
    shown = " ".join(capsys.readouterr().out.split())
    for number in ("53,000", "60,490", "51,060", "60,600", "57,818", "49,566"):
        assert number in shown
