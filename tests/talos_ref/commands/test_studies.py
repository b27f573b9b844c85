"""The commands of the studies: their fields, their files, and what they read again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cosim.page.inputs import check
from talos_ref.commands import studies
from talos_ref.model import checkpoint as checkpoints
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.studies.ladder.study import LADDER, Step


@pytest.fixture(autouse=True)
def own_build_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALOS_BUILD", str(tmp_path / "build"))


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "words.txt"
    path.write_text("emma\nolivia\nava\n")
    return path


def test_quant(run: Any, words: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status, lines, err = run("quant", "--names", words, "--limit", 2, "--json")
    assert (status, err) == (0, "")
    rows = [json.loads(line) for line in lines]
    assert [row["format"] for row in rows[:6]] == ["fp32", "Q4.12", "Q3.13", "int8", "int4", "int2"]
    fields = {"format", "kind", "max_error", "nll", "nll_exact", "nll_all", "samples", "published"}
    assert all(set(row) == fields for row in rows)
    assert all(row["published"] is None for row in rows), "other words than the published ones"
    assert rows[0]["nll"] != rows[0]["nll_all"]
    # A second run reads.
    monkeypatch.setattr(studies, "quantisation_rows", None)
    folder = tmp_path / "results"
    status, text, _ = run("quant", "--names", words, "--limit", 2, "--folder", folder)
    assert (status, len(text)) == (0, len(rows) + 2)
    assert text[1].split()[:4] == ["fp32", "0.00000", f"{rows[0]['nll']:.4f}", f"{rows[0]['nll_all']:.4f}"]
    assert text[-1] == f"wrote {folder / 'quant.json'}, quant.png and quant.svg"
    assert sorted(path.name for path in folder.iterdir()) == ["quant.json", "quant.png", "quant.svg"]
    report = check("quant", json.loads((folder / "quant.json").read_text()))
    assert set(report) == {"study", "weights", "names", "words", "all_words", "published_source", "rows"}
    assert (report["study"], report["words"], report["all_words"], report["rows"]) == ("quant", 2, 3, rows)


def test_quant_of_another_model(run: Any, small_checkpoint: Checkpoint, tmp_path: Path) -> None:
    weights, words = checkpoints.save(small_checkpoint, tmp_path / "small.npz"), tmp_path / "small.txt"
    words.write_text("x é\nzzy\n")
    status, lines, err = run("quant", "--weights", weights, "--names", words, "--json")
    assert (status, err) == (0, "")
    rows = {row["format"]: row for row in map(json.loads, lines)}
    assert "Q4.12 talos-v2" not in rows
    assert abs(rows["Q6.12 precise"]["nll"] - rows["fp32"]["nll"]) < 0.01
    words.write_text("word\n")
    status, lines, err = run("quant", "--weights", weights, "--names", words)
    assert (status, lines, err.count("\n")) == (2, [], 1)
    assert "letters outside" in err


def test_published_figures_stand_beside_the_published_list(
    run: Any, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert names
    row = {"format": "int4", "max_error": 0.1, "nll": 2.3, "nll_all": 2.4, "samples": []}
    monkeypatch.setattr(studies, "kept", lambda path, make: [dict(row), {**row, "format": "Q5.12 precise"}])
    _, lines, _ = run("quant", "--json")
    assert [json.loads(line)["published"] for line in lines] == [{"max_error": 0.09499, "nll": 2.3009}, None]
    # A slice of another size has other figures.
    _, lines, _ = run("quant", "--limit", 499, "--json")
    assert [json.loads(line)["published"] for line in lines] == [None, None]


def test_a_chart_needs_matplotlib(run: Any, words: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studies, "can_draw", lambda: False)
    message = "error: matplotlib must be installed for the chart; install talos[bench] or leave --folder out\n"
    assert run("quant", "--names", words, "--folder", tmp_path / "results") == (2, [], message)
    assert not (tmp_path / "results").exists()


@pytest.fixture
def short_ladder(monkeypatch: pytest.MonkeyPatch) -> None:
    """All six models, hardly trained."""
    monkeypatch.setattr(studies, "LADDER", [Step(step.model, step.train, min(step.steps, 20)) for step in LADDER])


def test_ladder(
    run: Any, names: list[str], tmp_path: Path, short_ladder: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = tmp_path / "some.txt"
    words.write_text("\n".join(names[:400]))
    status, lines, err = run("ladder", "--names", words, "--json")
    assert (status, err) == (0, "")
    rows = [json.loads(line) for line in lines]
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row["parameters"] for row in rows] == [729, 729, 729, 4009, 4192, 4240]
    fields = ["step", "model", "nll", "validation_nll", "parameters", "samples", "seconds", "circuit", "published"]
    for row in rows:
        assert list(row) == fields
        assert (row["validation_nll"] is None, row["circuit"] is None) == ((row["step"] != 6,) * 2)
        assert (len(row["samples"]), row["published"]) == (5, None)
    # A second run reads.
    monkeypatch.setattr(studies, "climb", None)
    folder = tmp_path / "results"
    status, text, _ = run("ladder", "--names", words, "--folder", folder)
    assert (status, len(text)) == (0, 9)
    nll, new = rows[5]["nll"], rows[5]["validation_nll"]
    assert text[6].startswith(f"6  four heads, Adam               4,240   {nll:.4f}     {new:.4f}")
    assert text[7].startswith(f"step 6 as a circuit, Q4.12: nll {rows[5]['circuit']['nll_fixed']:.6f} on ")
    assert sorted(path.name for path in folder.iterdir()) == ["ladder.json", "ladder.npz", "ladder.png", "ladder.svg"]
    report = check("ladder", json.loads((folder / "ladder.json").read_text()))
    assert set(report) == {"study", "names", "words", "published_source", "rows"}
    assert report["rows"] == rows
    assert checkpoints.load(folder / "ladder.npz").digest == rows[5]["circuit"]["digest"]


def test_ladder_of_other_letters(run: Any, tmp_path: Path, short_ladder: None) -> None:
    words = tmp_path / "words.txt"
    words.write_text("\n".join(f"{a}{b}-é" for a in "xyzwvutsrq" for b in "öä漢") + "\nxxxxxxxxxxxxxxxxxxxxxxxxxx\n")
    status, lines, err = run("ladder", "--names", words, "--json")
    assert (status, len(lines), err) == (0, 6, "")
    assert json.loads(lines[0])["parameters"] == 16**2
    words.write_text("ab\nc\n")
    message = "error: words must be so many that a tenth of them has 16 letters and ends; give more words\n"
    assert run("ladder", "--names", words, "--json") == (2, [], message)


def test_published_figures_of_the_ladder(run: Any, names: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert names
    row: dict[str, Any]
    row = {"nll": 2.0, "validation_nll": None, "parameters": 1, "samples": [], "seconds": 1.0, "circuit": None}
    monkeypatch.setattr(studies, "kept", lambda path, make: {"model": "m", "tensors": None, **row})
    _, lines, _ = run("ladder", "--json")
    assert [json.loads(line)["published"]["nll"] for line in lines] == [2.4546, 2.4617, 2.4617, 2.2, 2.29, 2.21]
    assert json.loads(lines[-1])["published"]["validation_nll"] == 2.2


def test_profile(run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    status, lines, err = run("profile", "--count", 3, "--json", "--folder", folder)
    assert (status, len(lines), err) == (0, 1, "")
    result = json.loads(lines[0])
    assert check("profile", json.loads((folder / "profile.json").read_text()))["rows"] == result["rows"]
    assert sorted(path.name for path in folder.iterdir()) == ["profile.json", "profile.png", "profile.svg"]
    status, text, _ = run("profile", "--count", 3)
    assert status == 0
    assert text[-1].startswith("products of weights are ")
    assert len(text) == 1 + 20 + 1 + 2
