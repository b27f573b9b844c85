"""The one command: everything that the ``python -m`` forms have is there, and loaded only when it is asked for."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from cosim.talos import COMMANDS, load, main

ROOT = Path(__file__).resolve().parents[2]
MOUNTED = ("talos_ref.cli", "hdl.cli", "cosim.cli")
"""Groups whose commands stand beside one another."""


def test_every_command_of_the_groups_is_there() -> None:
    expected = {
        name: module for module in MOUNTED for name in importlib.import_module(module).commands.commands
    }
    assert expected == {name: entry.module for name, entry in COMMANDS.items() if entry.module in MOUNTED}
    assert {"board", "host", "bench"} == set(COMMANDS) - set(expected)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(load(name), click.Command)
    assert main([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: talos {name} ")


def test_the_list_of_commands_loads_none(capsys: pytest.CaptureFixture[str]) -> None:
    code = (
        "import sys; from cosim.talos import main; status = main(['--help']); "
        "loaded = {'cocotb', 'host_c', 'cosim.cli', 'hdl.cli', 'talos_ref.cli'} & set(sys.modules); "
        "sys.exit(status or bool(loaded))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name, entry in COMMANDS.items():
        assert name in done.stdout
        assert entry.help in done.stdout


def test_a_command_runs_as_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    from talos_ref.cli import main as golden_main

    arguments = ["generate", "--seed", "2", "--count", "2", "--json"]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert golden_main(arguments) == 0
    assert capsys.readouterr().out == said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "missing command; see talos --help"),
        (["simulate"], "no such command 'simulate'; see talos --help"),
        (["sim", "--core", "tile17"], "--core must be tile16, wide, fused or barrel, not 'tile17'"),
        (["host", "dance"], "no such command 'dance'; see talos host --help"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr() == ("", f"error: {message}\n")


def test_what_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "cosim.cli", None)
    assert main(["sim"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: sim needs cosim.cli, which is not installed; ")
    assert said.count("\n") == 1


def test_the_project_installs_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"talos": "cosim.talos:main"}
