"""The command from words to everything: what it refuses, and all of it once with a small model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cosim.cli import main
from hdl.design import Design
from talos_ref.cli import main as golden_main
from tests.helpers.word_orders import WORDS

SMALL = ["--n-embd", "4", "--n-head", "1", "--mlp-dim", "6", "--block-size", "8", "--steps", "40"]


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        ("", [], "it must hold at least one word, one a line"),
        ("a\x07b\nabcdefghijkl\n", SMALL, "(2) 1 word (line 2) of more than 7 letters, the longest 12"),
        ("ab\n", ["--alphabet", "bc"], "1 word (line 1) with letters outside 'bc': 'a'"),
        ("ab\n", ["--core", "tile17"], "--core must be tile16, wide or fused, not 'tile17'"),
        ("ab\n", ["--core", "fused", "--n-layer", "2"], "for this model, not 'fused': "),
        ("ab\n", ["--format", "Q3.12"], "--format must be Q4.12, Q5.12, Q6.12 or auto, not 'Q3.12'"),
        ("ab\n", ["--n-embd", "6"], "n_embd must be a multiple of n_head (4), not 6"),
        ("ab\n", ["--steps", "0"], "--steps must be 1 to 10000000, not 0"),
        ("ab\n", ["--icarus-count", "0"], "--icarus-count must be 1 to 100000, not 0"),
        ("ab\n", ["--temperature", "99"], "temperature must be"),
    ],
)
def test_what_is_refused_leaves_nothing(
    text: str, arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("TALOS_BUILD", str(tmp_path / "build"))
    words = tmp_path / "words.txt"
    words.write_text(text, encoding="utf-8")
    assert main(["names", str(words), *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert message in said.err
    assert said.err.count("\n") == 1
    assert not list((tmp_path / "build").rglob("*.json"))


def test_a_list_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["names", "/nowhere/words.txt"]) == 2
    assert capsys.readouterr() == ("", "error: cannot open /nowhere/words.txt: No such file or directory\n")
    assert main(["names"]) == 2
    assert capsys.readouterr() == ("", "error: LIST must be given\n")


def test_from_words_to_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One core in both simulators, the C library, the project: with a script of many letters."""
    words, out = tmp_path / "도시.txt", tmp_path / "made"
    words.write_text(WORDS, encoding="utf-8")
    counts = ["--count", "4", "--verilator-count", "12", "--icarus-count", "3", "--core", "tile16"]
    status = main(["names", str(words), *SMALL, *counts, "--out", str(out)])
    said = capsys.readouterr()
    assert status == 0, said.err
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["words"] == 8
    assert [(run["core"], run["simulator"].split()[0], run["names"], run["mismatches"]) for run in report["cores"]] == [
        ("tile16", "Verilator", 12, 0), ("tile16", "Icarus", 3, 0),
    ]  # fmt: skip
    assert all(run["checked"]["values"] > 100 for run in report["cores"])
    assert report["c"]["differences"] == []
    assert report["problems"] == []
    assert (Path(report["quartus"]) / "top.v").is_file()
    assert (out / "tile16.v").read_text(encoding="ascii").count("\nmodule tile16(") == 1
    assert len(report["names"]) == 4
    for shown in (*report["names"], "Everything matched.", "report.json written", "report.md written"):
        assert shown in said.out

    # The other commands take what it made, and the design is the one that was simulated.
    arguments = ["generate", "--arithmetic", "talos-v2", "--weights", report["weights"], "--count", "4"]
    assert golden_main(arguments) == 0
    assert capsys.readouterr().out.split("\n")[:-1] == report["names"]
    assert Design.load(Path(report["design"])).digest() == report["digest"]
