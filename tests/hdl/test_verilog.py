"""The Verilog of every core, and of one behind its registers: one file, always the same, that all tools take."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cosim.core.verify import generate
from cosim.engine.simulators import find_program, verilator_root
from hdl.cli import main
from hdl.core.config import CORES
from hdl.core.cores import core_config
from hdl.core.schedule import schedule
from hdl.device.yosys import run_yosys
from hdl.verilog import core_verilog
from talos_ref.model.checkpoint import save
from talos_ref.model.config import ModelConfig
from tests.helpers.core_bench import random_checkpoint
from tests.helpers.designs import design_of, published

ROOT = Path(__file__).resolve().parents[2]

_ELSEWHERE = "import sys, tests.helpers.other_bytecode; from hdl.cli import main; sys.exit(main(sys.argv[1:]))"
"""`python -m hdl` as under another Python."""


def succeed(command: list[str], folder: Path, **variables: str) -> str:
    """Run a command and return what it printed on either channel; fail with that if it fails."""
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **variables}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}"
    return done.stdout


def lint(source: Path, name: str, folder: Path) -> str:
    """Return the warnings of Verilator, which ends with a report that is none."""
    program = str(verilator_root() / "bin" / "verilator")
    command = [program, "--lint-only", "--top-module", name, str(source)]
    said = succeed(command, folder, VERILATOR_ROOT=str(verilator_root()))
    return "\n".join(line for line in said.splitlines() if not line.startswith("- "))


def synthesis_reads(source: Path, name: str, folder: Path) -> str:
    """Return what a Yosys says of a file; every module must be in it."""
    script = f"read_verilog {source.name}; hierarchy -check -top {name}; proc -noopt; check -assert"
    done = run_yosys(["-Q", "-q", "-p", script], folder)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("name", [*CORES, "tile16_system"])
def test_file(name: str, tmp_path: Path) -> None:
    source, core, system = tmp_path / f"{name}.v", name.removesuffix("_system"), name.endswith("_system")
    command = [sys.executable, "-c", _ELSEWHERE, "verilog", "--core", core, "--out", str(source)]
    said = succeed([*command, *(["--system"] if system else [])], ROOT, PYTHONHASHSEED="1")
    assert said == f"{source} written: {core}, weights and all, in words of Q4.12\n"
    # The co-simulation's was made with another seed of hashes, and names as Amaranth finds them under this Python.
    known = generate(published(core), system=system).path.read_bytes()
    assert source.read_bytes() == known, "equal inputs must give equal text"
    text = source.read_text(encoding="ascii")
    assert re.findall(rf"^module {name}\(", text, re.M) == [f"module {name}("]
    assert not re.search(r"`include|\$readmem|\$fopen", text), "one file must hold everything"

    assert lint(source, name, tmp_path) == ""
    for standard in ("2005", "2012"):
        compiled = tmp_path / f"{standard}.vvp"
        command = [find_program("iverilog"), f"-g{standard}", "-Wall", "-Wno-timescale", "-s", name]
        said = succeed([*command, "-o", str(compiled), str(source)], tmp_path)
        assert said == "", said
        assert compiled.stat().st_size > 0
    assert synthesis_reads(source, name, tmp_path) == ""


@pytest.mark.parametrize("hidden", [1, 12, 20])
def test_no_wire_is_without_bits(hidden: int) -> None:
    """Also where a vector has fewer elements than the tile has rows; Verilog has no such wire."""
    model = ModelConfig(alphabet="abc", block_size=2, n_embd=2, n_head=1, mlp_dim=hidden)
    text = core_verilog(design_of(core_config("wide", model), random_checkpoint(model, 1)))
    assert "[-1:0]" not in text


def test_unknown_core(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command, known in ((["verilog", "--out", str(tmp_path / "core.v")], "wide, fused or barrel"),
                           (["schedule"], "wide or fused")):
        assert main([*command, "--core", "tile17"]) == 2
        assert capsys.readouterr() == ("", f"error: --core must be tile16, {known}, not 'tile17'\n")
    assert list(tmp_path.iterdir()) == []


def test_output_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "no folder" / "core.v"
    assert main(["verilog", "--core", "tile16", "--out", str(missing)]) == 2
    reason = "No such file or directory; give a file in a folder that exists"
    assert capsys.readouterr() == ("", f"error: cannot write {missing}: {reason}\n")
    assert main(["verilog", "--core", "tile16", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr() == ("", f"error: cannot write {tmp_path}: it is a folder; give the name of a file\n")
    assert list(tmp_path.iterdir()) == []


def test_core_that_the_model_cannot_have(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What stood at the output before stays."""
    weights, out = tmp_path / "other.npz", tmp_path / "core.v"
    save(random_checkpoint(ModelConfig(n_layer=2), 1), weights)
    out.write_text("before")
    for command in (["verilog", "--out", str(out)], ["schedule"]):
        assert main([*command, "--core", "fused", "--weights", str(weights)]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith("error: ")
        assert said.err.count("\n") == 1
    assert out.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["core.v", "other.npz"]


def test_weights_that_do_not_exist(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights, out = tmp_path / "none.npz", tmp_path / "core.v"
    assert main(["verilog", "--core", "wide", "--out", str(out), "--weights", str(weights)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"error: cannot open {weights}: No such file or directory\n"
    assert not out.exists()


def test_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert capsys.readouterr() == ("", "error: missing command; see python -m hdl --help\n")


@pytest.mark.parametrize("position", [0, 7, 15])
@pytest.mark.parametrize("name", CORES)
def test_schedule(name: str, position: int, capsys: pytest.CaptureFixture[str]) -> None:
    """The table names every matrix, in the order of the schedule, and accounts for every cycle of the step."""
    assert main(["schedule", "--core", name, "--position", str(position)]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    first, _, *lines = said.out.splitlines()
    found = re.fullmatch(rf"{name}: a step at position {position}, (\d+) cycles", first)
    assert found is not None, first
    rows = [re.match(r" *(\d+)(?:\.\.(\d+))? +(\d*) +(normalise|multiply|sample) +(\S+)", line) for line in lines]
    spans = [(int(row[1]), int(row[2] or row[1]), int(row[3] or 0)) for row in rows if row is not None]
    end = 0
    for start, stop, waited in spans:
        assert start == end + waited + 1, f"cycles {start}..{stop} follow {end} after {waited} waits"
        end = stop
    assert end == int(found[1])
    shown = list(dict.fromkeys(row[5] for row in rows if row is not None and row[4] == "multiply"))
    program = () if position == 0 and CORES[name].constant_position_0 else schedule(CORES[name])
    assert shown == list(dict.fromkeys(step.matrix for step in program if step.matrix))
    by_stage = next(line for line in lines if line.startswith("by stage: "))
    assert sum(int(count) for count in re.findall(r" (\d+)", by_stage)) == end


@pytest.mark.parametrize("position", ["16", "-1"])
def test_schedule_beyond_the_block(position: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedule", "--core", "fused", f"--position={position}"]) == 2
    assert capsys.readouterr() == ("", f"error: position must be 0 to 15, not {position}\n")
