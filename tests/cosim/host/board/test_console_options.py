"""System Console's command line: what is understood, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosim.host.board.console_options import ConsoleOptions, parse_options
from cosim.host.cli import main

A, B = Path("a.tcl"), Path("b.tcl")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder with two scripts."""
    monkeypatch.chdir(tmp_path)
    for path in (A, B):
        path.touch()


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("-cli", ConsoleOptions()),
        ("--cli -disable_readline -disable_timeout --debug", ConsoleOptions()),
        ("-cli --script=a.tcl", ConsoleOptions(script=A)),
        ("--script a.tcl 1 -cli", None),
        ("-cli --script a.tcl 1 -cli", ConsoleOptions(script=A, arguments=("1", "-cli"))),
        ("--rc_script=b.tcl -cli -- --out x", ConsoleOptions(rc_script=B, arguments=("--out", "x"))),
        ("-cli --project-dir=. --project_dir . --jdi a.tcl -script=b.tcl", ConsoleOptions(script=B)),
    ],
)
def test_options(words: str, options: ConsoleOptions | None) -> None:
    if options is None:
        with pytest.raises(ValueError, match=r"^-cli must be given: "):
            parse_options(words.split())
    else:
        assert parse_options(words.split()) == options


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "-cli must be given: the simulated board's System Console has no window"),
        ("-cli -gui", "option must be one of -cli, -debug, -disable_readline, -disable_timeout, -jdi, -project_dir, "
         "-rc_script, -script, not '-gui'"),
        ("-cli=1", "option must be one of "),
        ("-cli --script", "--script must have a value, as in --script=FILE"),
        ("-cli --script=c.tcl", "-script must name a file, not 'c.tcl'"),
        ("-cli --script=.", "-script must name a file, not '.'"),
        ("-cli --rc_script=", "-rc_script must name a file, not ''"),
        ("-cli --project_dir=a.tcl", "-project_dir must name a folder, not 'a.tcl'"),
        ("-cli --jdi=none.jdi", "-jdi must name a file, not 'none.jdi'"),
        ("--program x -cli", "--program must stand without -cli: the program takes System Console's options"),
        ("--program .", "cannot write .: it is a folder; give the name of a file"),
        ("--core tile17 -cli", "--core must be tile16, wide, fused or barrel, not 'tile17'"),
        ("--design none.json --program x", "cannot open none.json: No such file or directory"),
    ],
)  # fmt: skip
def test_refusals(words: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is built, in one line."""
    assert main(["system-console", *words.split()]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {message}")
    assert said.count("\n") == 1
