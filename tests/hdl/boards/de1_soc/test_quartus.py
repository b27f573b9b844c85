"""The Quartus project from one end to the other, with stand-ins for Intel's programs on PATH."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from cosim.engine.simulators import find_program
from hdl.boards.cli import main
from hdl.boards.de1_soc.jtag_bridge import bridge_tcl
from hdl.boards.de1_soc.vendor_cells import VENDOR_CELLS
from hdl.build_cache import build_id
from hdl.build_note import read_build
from hdl.design import Design
from hdl.device.pairs import read_pairs
from tests.helpers.board_design import tile16_files
from tests.helpers.designs import published
from tests.helpers.quartus_reports import CLOCK, write_reports

PROGRAMS = Path(__file__).with_name("fake_quartus.tcl")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the commands are to write; they find the files ready."""
    ready = tmp_path / "files"
    ready.mkdir()
    for name, text in tile16_files().items():
        (ready / name).write_text(text)
    monkeypatch.setattr("hdl.boards.de1_soc.folder.project_files", lambda *arguments, **options: ready)
    monkeypatch.setenv("TALOS_BUILD", str(tmp_path / "build"))
    return tmp_path / "project"


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins for Quartus's programs, where an installation has them; quartus_sh is on PATH, the others are not."""
    root = tmp_path / "quartus"
    for place, name in (
        ("bin", "quartus_sh"),
        ("sopc_builder/bin", "qsys-script"),
        ("sopc_builder/bin", "qsys-generate"),
    ):
        program = root / place / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f'#!/bin/sh\nexec "{find_program("tclsh")}" "$0.tcl" "$@"\n')
        program.chmod(0o755)
        text = PROGRAMS.read_text().replace(
            "[file dirname [file dirname [file normalize $argv0]]]", "{" + str(root) + "}"
        )
        program.with_name(f"{name}.tcl").write_text(text)
    monkeypatch.setenv("PATH", f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("QUARTUS_ROOTDIR", raising=False)
    return root


def command(folder: Path, *more: str, core: str = "tile16") -> list[str]:
    """Return the arguments of the command."""
    resources = str(folder.parent / "resources.json")
    return ["quartus", "--core", core, "--out", str(folder), "--resources", resources, *more]


def count_parts(folder: Path, **others: str) -> None:
    """Leave what ``make resources`` would of tile16 with the committed weights."""
    made_from = {"core": "tile16", "checkpoint": published("tile16").checkpoint.digest, "format": "Q4.12"}
    row = {**made_from, **others, "alms": 9162, "dsp_blocks": 28, "m10k": 29}
    folder.parent.joinpath("resources.json").write_text(json.dumps({"cores": [row]}))


def compiled(folder: Path, monkeypatch: pytest.MonkeyPatch, **reports: object) -> None:
    """Let a compilation by the stand-in leave these reports."""
    ready = folder.parent / "ready"
    write_reports(ready, **reports)  # type: ignore[arg-type]
    script = folder.parent / "compile.tcl"
    script.write_text(f"foreach file [glob -directory {{{ready}}} *] {{ file copy -force $file output_files }}\n")
    monkeypatch.setenv("FAKE_QUARTUS", str(script))


def test_folder(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without Quartus the folder is all there is, and its scripts can be run."""
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert main(command(folder)) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out == (
        f"{folder} written: project of tile16 at 56.25 MHz\n"
        f"not compiled: quartus_sh is not on PATH. {folder}/compile.sh compiles it, "
        f"{folder}/program.sh programs the board\n"
    )
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "README.md", "build.json", "checkpoint.npz", "compile.bat", "compile.sh", "compile.tcl", "design.json",
        "jtag_bridge.tcl", "program.bat", "program.sh", "registers.h", "registers.md", "registers.tcl",
        "top.qpf", "top.qsf", "top.sdc", "top.v",
    }  # fmt: skip
    assert {path.name for path in folder.iterdir() if path.stat().st_mode & stat.S_IXUSR} == {
        "compile.sh",
        "program.sh",
    }
    for script in ("compile.sh", "program.sh"):
        subprocess.run(["sh", "-n", str(folder / script)], check=True)
    page = (folder / "README.md").read_text()
    assert "26 of 87 DSP blocks and at most 29 of 397 M10K, counted from the configuration.\n`make resources`" in page
    assert b"@2" in (folder / "program.sh").read_bytes()
    batch = (folder / "program.bat").read_bytes()
    assert batch.count(b"\r\n") == batch.count(b"\n")


def test_folder_of_a_core_with_several_streams(folder: Path) -> None:
    """Its own registers, and the host's command for it."""
    assert main(command(folder, "--no-compile", "--serial", core="barrel")) == 0
    page = (folder / "README.md").read_text()
    assert "\n    python -m cosim.host batch --transport system-console --design design.json\n" in page
    assert "\n    python -m cosim.host batch --transport serial --baud 115200 --design design.json\n" in page
    assert "86 of 87 DSP blocks and at most 288 of 397 M10K" in page
    assert "#define TALOS_DIGEST 0x248u\n" in (folder / "registers.h").read_text()
    assert "digest 0x248" in (folder / "registers.tcl").read_text()


def test_readme_has_the_estimate(folder: Path) -> None:
    count_parts(folder)
    assert main(command(folder, "--no-compile")) == 0
    text = (folder / "README.md").read_text()
    assert "| ALMs | 9,162 | 32,070 |\n| DSP blocks | 28 | 87 |\n| M10K | 29 | 397 |" in text


@pytest.mark.parametrize(("option", "baud"), [([], None), (["--serial"], 115_200), (["--serial", "9600"], 9600)])
def test_a_serial_line(option: list[str], baud: int | None, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the option says reaches the files, and the page says how to use it."""
    asked: list[int | None] = []

    def files(design: Design, *, serial_baud: int | None) -> Path:
        asked.append(serial_baud)
        return folder.with_name("files")

    monkeypatch.setattr("hdl.boards.de1_soc.folder.project_files", files)
    assert main(command(folder, "--no-compile", *option)) == 0
    page = (folder / "README.md").read_text()
    assert asked == [baud]
    assert page.count(f"--transport serial --baud {baud} --design design.json") == (baud is not None)


@pytest.mark.parametrize("others", [{"checkpoint": "0" * 64}, {"format": "Q5.12"}, {"core": "wide"}])
def test_no_estimate_of_another_design(others: dict[str, str], folder: Path) -> None:
    count_parts(folder, **others)
    assert main(command(folder, "--no-compile")) == 0
    assert "it had not run when this folder was made" in (folder / "README.md").read_text()


def test_the_design_lies_beside_the_project(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was written is the design; with it the project is made again, and its reports are read."""
    assert main(command(folder, "--no-compile", "--clock", "50")) == 0
    saved = folder / "design.json"
    design = Design.load(saved)
    assert design == replace(published("tile16"), clock_hz=50_000_000)
    assert f"Build: {build_id(design):08x}," in (folder / "README.md").read_text()
    assert read_build(folder / "build.json") == build_id(design)
    again = folder.parent / "again"
    assert main(["quartus", "--design", str(saved), "--out", str(again), "--no-compile"]) == 0
    assert f"{again} written: project of tile16 at 50 MHz\n" in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in again.iterdir()} == {
        path.name: path.read_bytes() for path in folder.iterdir()
    }
    write_reports(folder / "output_files")
    assert main(["report", "--design", str(saved)]) == 0
    assert re.search(r"ALMs +│ +8,765 │ +27%", capsys.readouterr().out)


def test_wrong_resources(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder.parent / "resources.json"
    path.write_text("{}")
    assert main(command(folder)) == 2
    assert capsys.readouterr().err.startswith(f"error: {path} must be a file of `make resources`; make it again")


def test_compile(folder: Path, fake: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The script makes the bridge, then compiles; figures stand beside the estimates."""
    count_parts(folder)
    note = 'Info (276007): RAM logic "x" is uninferred due to asynchronous read logic'
    compiled(folder, monkeypatch, messages=note)
    assert main(command(folder)) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert re.search(r"ALMs +│ +8,765 │ +27% │ +9,162 │ +32,070", said.out)
    assert re.search(r"DSP blocks +│ +28 │ +32% │ +28 │ +87", said.out)
    assert re.search(r"M10K +│ +31 │ +8% │ +29 │ +397", said.out)
    assert f"Fmax 60.11 MHz ({CLOCK})" in said.out
    assert f"worst slack 0.151 ns: Fast 1100mV 0C Model Hold of {CLOCK}" in said.out
    assert f"memory made of logic: {note}" in said.out
    assert "DSP blocks: 26 Two Independent 18x18, as counted\n" in said.out
    (pair,) = read_pairs(folder.parent / "build" / "pairs.jsonl")
    assert (pair.design, pair.fit.alms) == ("tile16", 8765)
    log = (folder / "fake.log").read_text().splitlines()
    assert log[-4:] == [
        "generate jtag_bridge.qsys --synthesis=VERILOG {--family=Cyclone V} --part=5CSEMA5F31C6",
        "open top", "flow -compile", "close",
    ]  # fmt: skip


def test_negative_slack(
    folder: Path, fake: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    compiled(folder, monkeypatch, slack="-0.736")
    assert main(command(folder)) == 1
    said = capsys.readouterr()
    assert said.err == f"error: slack must not be negative: -0.736 ns, Slow 1100mV 85C Model Setup of {CLOCK}\n"
    assert main(["report", "--core", "tile16", "--out", str(folder), "--resources", "none.json"]) == 1


def test_dsp_blocks_that_were_taken_apart(
    folder: Path, fake: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    compiled(folder, monkeypatch, pairs=52)
    assert main(command(folder)) == 1
    said = capsys.readouterr()
    assert "DSP blocks: 52 Two Independent 18x18\n" in said.out
    assert said.err.startswith("error: DSP blocks must be 26 of 'Two Independent 18x18', not 52: Quartus made ")


def test_failed_compilation(
    folder: Path, fake: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An error of Quartus ends the command, and an earlier compilation's reports are gone."""
    compiled(folder, monkeypatch)
    assert main(command(folder)) == 0
    script = folder.parent / "fail.tcl"
    script.write_text('error "Error (170012): Fitter requires more LABs than are available"\n')
    monkeypatch.setenv("FAKE_QUARTUS", str(script))
    capsys.readouterr()
    assert main(command(folder)) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: quartus_sh failed with status 3; {folder / 'compile.log'} ends:\n")
    assert "Error (170012): Fitter requires more LABs than are available" in error
    assert list((folder / "output_files").iterdir()) == []


def test_no_reports(folder: Path, fake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A compilation that says it succeeded and leaves nothing is a failure."""
    assert main(command(folder)) == 2
    path = folder / "output_files" / "top.fit.summary"
    assert capsys.readouterr().err == f"error: {path} is missing: Quartus did not come that far\n"


def test_no_platform_designer(folder: Path, fake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(fake / "sopc_builder")
    assert main(command(folder)) == 1
    assert "qsys-script was not found in sopc_builder/bin of" in capsys.readouterr().err


def test_script_by_hand(folder: Path, fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """compile.sh works from any folder, and so does the script in it."""
    compiled(folder, monkeypatch)
    assert main(command(folder, "--no-compile")) == 0
    subprocess.run([str(folder / "compile.sh")], cwd="/", check=True, stdin=subprocess.DEVNULL)
    summary = folder / "output_files" / "top.fit.summary"
    summary.unlink()
    subprocess.run(["quartus_sh", "-t", str(folder / "compile.tcl")], cwd="/", check=True, stdin=subprocess.DEVNULL)
    assert summary.exists()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--clock", "56.2500001"], "--clock must be a number of MHz with at most six decimals, not '56.2500001'"),
        (["--clock", "fast"], "--clock must be a number of MHz with at most six decimals, not 'fast'"),
    ],
)
def test_frequency_refused(options: list[str], text: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command(folder, *options)) == 2
    assert capsys.readouterr().err == f"error: {text}\n"


def test_unreachable_frequency(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command(folder, "--clock", "56.250001")) == 2
    text = "error: output_hz must be 50 MHz times m / (n · c), not 56250001; the nearest is 56250000\n"
    assert capsys.readouterr() == ("", text)
    assert not folder.exists()


def test_unknown_core(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command(folder, core="tile17")) == 2
    assert capsys.readouterr() == ("", "error: --core must be tile16, wide, fused or barrel, not 'tile17'\n")


def test_bridge(fake: Path, tmp_path: Path) -> None:
    """The Platform Designer system has what the Verilog instantiates: one master, its bus, clock and reset exported."""
    (tmp_path / "bridge.tcl").write_text(bridge_tcl("5CSEMA5F31C6", 56_250_000))
    program = fake / "sopc_builder" / "bin" / "qsys-script"
    subprocess.run([str(program), "--script=bridge.tcl"], cwd=tmp_path, check=True)
    assert (tmp_path / "fake.log").read_text().splitlines() == [
        "package require -exact qsys 16.0",
        "property DEVICE_FAMILY Cyclone V",
        "property DEVICE 5CSEMA5F31C6",
        "parameter clock_source clockFrequency 56250000",
        "parameter clock_source clockFrequencyKnown true",
        "parameter clock_source resetSynchronousEdges NONE",
        "parameter altera_jtag_avalon_master USE_PLI 0",
        "parameter altera_jtag_avalon_master FAST_VER 0",
        "connect clock_source.clk altera_jtag_avalon_master.clk",
        "connect clock_source.clk_reset altera_jtag_avalon_master.clk_reset",
        "interface clk clock sink",
        "export clk clock_source.clk_in",
        "interface reset reset sink",
        "export reset clock_source.clk_in_reset",
        "interface master avalon master",
        "export master altera_jtag_avalon_master.master",
    ]
    assert (tmp_path / "jtag_bridge.qsys").read_text() == "jtag_bridge\n"
    # Platform Designer names a port by interface and role.
    roles = {"clk": {"clk"}, "reset": {"reset_n"}, "master": {
        "address", "read", "write", "readdata", "writedata", "waitrequest", "readdatavalid", "byteenable",
    }}  # fmt: skip
    (cell,) = (cell for cell in VENDOR_CELLS if cell.name == "jtag_bridge")
    expected = {f"{interface}_{role}" for interface, found in roles.items() for role in found}
    assert set(cell.inputs) | set(cell.outputs) == expected
