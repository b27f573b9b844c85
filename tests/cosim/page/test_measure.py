"""A page is measured in real Chromium: its bits against the native library, its loops beside a native one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cosim.cli import main
from cosim.page import measure
from tests.helpers.tiny_design import tiny_design


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """The command that makes and measures the page of the smallest design."""
    design = tiny_design().save(tmp_path / "ab")
    folders = ["--figures", str(tmp_path), "--out", str(tmp_path / "page")]
    return ["page", "--design", str(design), *folders, "--measure", "--steps", "300", "--turns", "2"]


def test_it_says_what_it_measured(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == 0
    *_, opened, line = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"Chromium [\d.]+, no network: usable after \d+\.\d\d s", opened)
    found = re.fullmatch(
        r"ab, tiny: (\d+) steps, ([\d,]+) values, all as in the native C library; cycles/s: native ([\d,]+), "
        r"Chromium ([\d,]+) \(([\d.]+), [\d.]+ to [\d.]+ in 2 turns\), with all that the page shows ([\d,]+)",
        line,
    )
    assert found is not None, line
    steps, values, native, browser, shown = (int(found[i].replace(",", "")) for i in (1, 2, 3, 4, 6))
    assert 300 <= steps < 304
    # Five fields and three logits a step.
    assert values == steps * 8
    assert min(native, browser, shown) > 10_000
    assert 0.1 < float(found[5]) < 10


def test_a_peer_that_is_not_there_is_named(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = ["--steps", "4", "--turns", "1", "--peer", str(tmp_path)]
    assert main([*command, *short]) == 2
    missing = tmp_path / "microgpt_inf.js"
    message = f"error: --peer must be the folder wasm of a clone of micro-gpt; {missing} is not there\n"
    assert capsys.readouterr().err == message
    assert main([*command[:-5], "--peer", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "error: --peer needs --measure\n"


def test_a_wrong_weight_is_found(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(measure, "_LOAD", measure._LOAD.replace("\n}", "\n  measured.flip(0, 0, 12);\n}"))
    assert main(command) == 1
    assert re.match(r"error: tiny, step \d+, seed \d+: the page must have \[\d+, ", capsys.readouterr().err)
