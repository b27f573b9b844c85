"""``python -m hdl.boards``: which designs a command takes, and its exit status."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hdl.boards.cli import main
from hdl.design import Design
from talos_ref.model.checkpoint import Checkpoint, save
from tests.helpers.designs import published

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list of the cores that the command looks at; the tools themselves are left out."""
    found: list[str] = []

    def look(design: Design, folder: Path, serial_baud: int | None) -> list[str]:
        assert serial_baud is None
        found.append(design.name)
        return ["Yosys: not this wide"] if design.name == "wide" else []

    monkeypatch.setattr("hdl.boards.cli.check_design", look)
    monkeypatch.setattr("hdl.boards.cli.memory_counts", lambda folder: "1 memory")
    return found


def test_check_command(
    checked: list[str], tmp_path: Path, small_checkpoint: Checkpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a choice, every core that the model can have; the others are named with the reason."""
    assert main(["check", "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().out.splitlines()[:3] == [
        "tile16: no objections of Verilator, Icarus and Yosys; 1 memory", "Yosys: not this wide",
        "wide: 1 objection of Verilator, Icarus and Yosys; 1 memory",
    ]  # fmt: skip
    assert checked == ["tile16", "wide", "fused", "barrel"]
    checked.clear()
    weights = save(small_checkpoint, tmp_path / "small.npz")
    assert main(["check", "--weights", str(weights)]) == 1
    assert checked == ["wide"]
    said = capsys.readouterr().err
    assert "note: tile16 is left out: n_embd must be a power of two in talos-v2, not 12\n" in said
    assert "note: fused is left out: n_layer must be 1 in folded, not 2; use precise for more layers\n" in said
    checked.clear()
    design = published("fused").save(tmp_path)
    assert main(["check", "--design", str(design)]) == main(["check", "--core", "fused", "--core", "fused"]) == 0
    assert checked == ["fused", "fused"]
    assert main(["check", "--core", "fused", "--weights", str(weights)]) == 2
    assert capsys.readouterr().err == (
        "error: core must be wide for this model, not 'fused': n_layer must be 1 in folded, not 2; use precise "
        "for more layers\n"
    )


def test_the_old_name() -> None:
    """``python -m hdl.board`` is ``python -m hdl.boards``."""
    said = [
        subprocess.run([sys.executable, "-m", name, "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
        for name in ("hdl.board", "hdl.boards")
    ]
    assert said[0].stdout == said[1].stdout
    assert "quartus" in said[0].stdout
