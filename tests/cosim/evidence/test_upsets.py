"""Upsets in a small system, and that a machine which hangs is found: its watchdog or its majority taken away."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cosim.cli import main
from cosim.core.verify import Generated
from cosim.evidence import upset_report
from cosim.evidence.state import list_state
from cosim.evidence.upsets import Outcome, Upsets, find_upsets
from cosim.page.inputs import check
from hdl.device.yosys import run_yosys
from hdl.verilog import system_verilog
from tests.helpers.tiny_design import tiny_design

SEED = 1
WITHOUT = {"watchdog": ("time_out", "1'h0"), "majority": ("answered", "answered_plain")}
"""What a plusarg takes away: it makes a wire another one."""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Generated:
    """The Verilog of a system, in which plusargs can take something away."""
    text = system_verilog(tiny_design())
    for name, (wire, other) in WITHOUT.items():
        switched = f"  reg no_{name}; initial no_{name} = $test$plusargs(\"no_{name}\") != 0;\n"
        switched += rf"  assign {wire} = no_{name} ? {other} : (\1);"
        text, count = re.subn(rf"^  assign {wire} = (.*?);$", switched, text, flags=re.M)
        assert count == 1, wire
    path = tmp_path_factory.mktemp("upsets") / "tiny_system.v"
    path.write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Generated(tiny_design(), path, digest, system=True, folder=path.parent)


@pytest.fixture(scope="module")
def find(system: Generated) -> Callable[..., Upsets]:
    """`find_upsets` on that system, compiled once."""
    return partial(find_upsets, generated=system, quick=True)


def test_all_state_is_listed(system: Generated, tmp_path: Path) -> None:
    """As many bits of flip-flops as Yosys finds, and the one memory that is written."""
    verilog = system_verilog(tiny_design())
    (tmp_path / "system.v").write_text(verilog)
    script = "read_verilog system.v; hierarchy -top tiny_system; proc; flatten; tee -q -o stat.json stat -json -width"
    assert run_yosys(["-q", "-p", script], tmp_path).returncode == 0
    cells = json.loads((tmp_path / "stat.json").read_text())["design"]["num_cells_by_type"]
    flip_flops = sum(
        number * int(kind.rpartition("_")[2]) for kind, number in cells.items() if re.match(r"\$\w*dff\w*_\d+$", kind)
    )
    state = list_state(verilog, "tiny_system")
    # Yosys holds address, data and enables of a write in flip-flops, before it makes a port of the memory of them.
    port = 5 + 64 + 64
    assert sum(register.bits for register in state if register.words == 1) == flip_flops - port > 3000
    assert [(register.path[-1], register.bits) for register in state if register.words > 1] == [("cache", 64 * 32)]


def test_nothing_hangs_and_every_next_name_is_right(find: Callable[..., Upsets]) -> None:
    found = find(tiny_design(), 120, SEED)
    assert len({(upset.register, upset.word, upset.bit) for upset in found.upsets}) == 120
    assert all(found.recovered)
    outcomes = Counter(found.outcomes)
    assert outcomes[Outcome.HUNG] == 0
    assert outcomes[Outcome.MASKED] > 60


def test_a_request_that_cannot_end_is_ended(find: Callable[..., Upsets]) -> None:
    found = find(tiny_design(), 400, SEED, within="core.sequencer")
    flags = Counter(error for errors in found.errors for error in errors)
    assert flags["time_out"] > 5
    assert Outcome.HUNG not in found.outcomes
    assert all(found.recovered)
    assert found.patience < found.longest < 2 * found.patience


@pytest.mark.parametrize(("name", "within"), [("watchdog", "core.sequencer"), ("majority", "registers.end")])
def test_a_machine_that_hangs_is_found(name: str, within: str, find: Callable[..., Upsets]) -> None:
    found = find(tiny_design(), 400, SEED, within=within, plusargs=[f"+no_{name}"])
    assert Outcome.HUNG in found.outcomes


def test_the_random_state_is_never_masked(find: Callable[..., Upsets]) -> None:
    """A flipped bit of what nothing corrects is seen, unless it comes before its use or after."""
    found = find(tiny_design(), 300, SEED, within="core.control")
    outcomes = Counter(
        outcome for upset, outcome in zip(found.upsets, found.outcomes, strict=True) if upset.register.name == "state"
    )
    assert outcomes[Outcome.WRONG] > outcomes[Outcome.MASKED] > 0


def test_command(
    find: Callable[..., Upsets], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    design, out = tiny_design().save(tmp_path / "design"), tmp_path / "upsets.json"
    command = ["upsets", "--design", str(design), "--within", "core.sequencer", "--upsets", "150", "--out", str(out)]
    monkeypatch.setattr(upset_report, "find_upsets", find)
    assert main(command) == 0
    said, found = capsys.readouterr(), check("upsets", json.loads(out.read_text()))
    assert f"{out} written" in said.out
    assert said.err == ""
    kinds = [outcome.value for outcome in Outcome]
    assert sum(found[kind] for kind in kinds) == found["upsets"] == found["recovered"] == 150
    assert [unit["unit"] for unit in found["units"]] == ["core.sequencer"]
    assert found["flags"]["time_out"] > 0
    assert found["hit_bits"] < found["state_bits"]
    monkeypatch.setattr(upset_report, "find_upsets", partial(find, plusargs=["+no_watchdog"]))
    assert main(command) == 1
    assert re.match(r"error: core\.sequencer\.\w+, bit \d+, cycle \d+: hung\n", capsys.readouterr().err)
    assert json.loads(out.read_text())["hung"] > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--upsets", "0"], "--upsets must be 1 to 10000000, not 0"),
        (["--within", "core.nothing"], "within must be a unit with state (core, core.attention, "),
    ],
)
def test_bad_input(
    options: list[str],
    message: str,
    find: Callable[..., Upsets],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
) -> None:
    monkeypatch.setattr(upset_report, "find_upsets", find)
    design = tiny_design().save(tmp_path / "design")
    assert main(["upsets", "--design", str(design), "--out", str(tmp_path / "out"), *options]) == 2
    assert capsys.readouterr().err.startswith(f"error: {message}")
    assert not (tmp_path / "out").exists()


def test_no_such_module() -> None:
    with pytest.raises(ValueError, match=r"^top must be a module of the Verilog, not 'other'$"):
        list_state("module some(clk);\n  input clk;\nendmodule\n", "other")
