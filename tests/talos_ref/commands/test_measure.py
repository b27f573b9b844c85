"""The commands nll and quality: their fields, and their agreement with the library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim.page.inputs import check
from talos_ref.model import checkpoint as checkpoints
from talos_ref.model.checkpoint import Checkpoint
from tests.talos_ref.commands.test_run import EVERY


@pytest.mark.parametrize(
    ("name", "nll", "kl"), [("float", 2.26331, 0.0), ("precise", 2.26333, 1.12e-7), ("talos-v2", 2.26331, 7.1e-6)]
)
def test_nll(run: Any, names: list[str], tmp_path: Path, name: str, nll: float, kl: float) -> None:
    path = tmp_path / "names.txt"
    path.write_text("\n".join(names[:600]))
    status, lines, _ = run("nll", "--arithmetic", name, "--names", path, "--limit", 500, "--json")
    assert (status, len(lines)) == (0, 1)
    result = json.loads(lines[0])
    assert set(result) == {"nll", "kl", "characters"}
    assert result["characters"] == 3517
    assert round(result["nll"], 5) == nll
    assert result["kl"] == pytest.approx(kl, rel=0.01)
    _, lines, _ = run("nll", "--arithmetic", name, "--names", path, "--limit", 1)
    assert lines[-1] == "characters  5"


def test_nll_picks_the_format_that_a_model_needs(run: Any, checkpoint: Checkpoint, tmp_path: Path) -> None:
    tensors = dict(checkpoint.tensors)
    tensors["layer0.fc1"] = tensors["layer0.fc1"] * 16
    tensors["layer0.fc2"] = tensors["layer0.fc2"] * np.float32(1 / 16)
    weights = checkpoints.save(Checkpoint(checkpoint.config, tensors), tmp_path / "heavy.npz")
    words = tmp_path / "words.txt"
    words.write_text("emma\nolivia\nava\nisabella\nsophia\n")
    options = ["--weights", weights, "--names", words, "--json"]
    exact = json.loads(run("nll", "--arithmetic", "float", *options)[1][0])["nll"]
    status, lines, err = run("nll", *options)
    assert (status, err.startswith("note: Q")) == (0, True)
    assert json.loads(lines[0])["nll"] == pytest.approx(exact, abs=1e-3)
    status, lines, err = run("nll", "--format", "Q4.12", *options)
    assert (status, err.startswith("warning: Q4.12 clips layer0.fc1 (")) == (0, True)
    assert abs(json.loads(lines[0])["nll"] - exact) > 1e-3


def test_quality(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_text("emma\nolivia\nava\n")
    status, lines, _ = run("quality", "--names", path, "--count", 50, "--json")
    assert status == 0
    rows = [json.loads(line) for line in lines]
    assert [row["arithmetic"] for row in rows] == EVERY
    assert {row["characters"] for row in rows} == {5 + 7 + 4}
    assert 0 < rows[3]["wrapped_share"] < 1
    _, lines, _ = run("quality", "--names", path, "--count", 50, "--folder", tmp_path / "results")
    written = tmp_path / "results" / "quality.json"
    assert (len(lines), lines[-1]) == (6, f"wrote {written}")
    assert check("quality", json.loads(written.read_text()))["rows"] == rows


def test_quality_of_a_model_that_an_arithmetic_cannot_have(
    run: Any, small_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    weights, words = checkpoints.save(small_checkpoint, tmp_path / "small.npz"), tmp_path / "words.txt"
    words.write_text("x é\nzzy\n")
    status, lines, _ = run("quality", "--weights", weights, "--names", words, "--json")
    rows = {row["arithmetic"]: row for row in map(json.loads, lines)}
    assert (status, list(rows)) == (0, EVERY)
    assert set(rows["talos-v2"]) == set(rows["folded"]) == {"arithmetic", "refused"}
    assert (rows["precise"]["characters"], "refused" in rows["precise"]) == (8, False)
    status, lines, _ = run("quality", "--weights", weights, "--names", words)
    assert (status, lines[-1]) == (0, f"talos-v2    not for this model: {rows['talos-v2']['refused']}")
