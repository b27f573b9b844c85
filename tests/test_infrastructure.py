"""The build spine keeps its promises: locked dependencies, explained; system packages named; no test skipped in CI."""

from __future__ import annotations

import importlib.metadata
import itertools
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCK = (ROOT / "requirements.lock").read_text()
PYPROJECT = (ROOT / "pyproject.toml").read_text()
REQUIREMENT = re.compile(r'^    "(?P<name>[\w-]+)(?P<bounds>[=<>].*)",$')


def _locked() -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", LOCK, re.M))


def _direct() -> dict[str, str]:
    project = tomllib.loads(PYPROJECT)["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    pairs = [re.fullmatch(r"([\w-]+)(.*)", line) for group in groups for line in group]
    return {pair[1]: pair[2] for pair in pairs if pair is not None}


def test_lock_holds_hashes_and_no_address() -> None:
    assert "://" not in LOCK
    assert not re.search(r"^\s*--(?!hash=sha256:[0-9a-f]{64}( \\)?$)", LOCK, re.M)
    blocks = re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.M)[1:]
    assert len(blocks) == len(_locked())
    assert all("--hash=sha256:" in block for block in blocks)


def test_every_direct_dependency_is_locked_and_installed_as_locked() -> None:
    locked, direct = _locked(), _direct()
    assert len(direct) >= 10
    for name, bounds in direct.items():
        assert name in locked
        assert importlib.metadata.version(name) == locked[name]
        if bounds.startswith("=="):
            assert bounds == f"=={locked[name]}"


def test_every_direct_dependency_has_bounds_and_a_reason() -> None:
    lines = PYPROJECT.splitlines()
    explained = set()
    for before, line in itertools.pairwise(lines):
        if found := REQUIREMENT.fullmatch(line):
            assert re.match(r"    # \w", before), f"{found['name']} has no reason above it"
            explained.add(found["name"])
    assert explained == set(_direct())


def test_make_help_names_every_target() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)
    assert phony is not None
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^  make ([\w-]+)", shown, re.M) == phony[1].split()


@pytest.fixture
def bare_path(tmp_path: Path) -> Path:
    """A PATH with a shell and Python, but without compiler, simulator, apt-get and sudo."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("bash", "env"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


def _program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def _system_packages(path: Path, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / ".ci" / "system-packages"), python]
    return subprocess.run(command, env={"PATH": str(path)}, capture_output=True, text=True, check=False)


def test_missing_system_packages_are_named_where_they_cannot_be_installed(bare_path: Path) -> None:
    _program(bare_path, "id", "echo 1000")
    _program(bare_path, "apt-get", "exit 99")
    done = _system_packages(bare_path)
    assert done.returncode == 1
    assert "sudo apt-get update && sudo apt-get install -y --no-install-recommends iverilog g++\n" in done.stderr


def test_missing_system_packages_are_installed_by_root(bare_path: Path, tmp_path: Path) -> None:
    _program(bare_path, "id", "echo 0")
    _program(bare_path, "apt-get", f'echo "$@" $DEBIAN_FRONTEND >>{tmp_path}/calls')
    done = _system_packages(bare_path)
    assert done.returncode == 0, done.stderr
    update, install = (tmp_path / "calls").read_text().splitlines()
    assert update == "update -qq noninteractive"
    assert install == "install -y -qq --no-install-recommends iverilog g++ noninteractive"


def test_nothing_is_installed_where_nothing_is_missing(bare_path: Path) -> None:
    for name in ("iverilog", "vvp", "g++"):
        _program(bare_path, name, "exit 0")
    done = _system_packages(bare_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_old_python_is_refused_with_the_remedy(bare_path: Path) -> None:
    _program(bare_path, "old", '[ "$1" = -V ] && echo Python 3.9.2; exit 1')
    done = _system_packages(bare_path, "old")
    assert done.returncode == 1
    assert done.stderr == (
        "error: Python 3.11 or newer is needed, old is Python 3.9.2;"
        " name another one: make PYTHON=/path/to/python3.11\n"
    )


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize(("variable", "status"), [("true", 1), ("", 0)])
def test_skipped_test_fails_a_run_in_ci(tmp_path: Path, workers: str, variable: str, status: int) -> None:
    (tmp_path / "test_some.py").write_text(
        "import pytest\n\ndef test_runs():\n    pass\n\n"
        "@pytest.mark.xfail\ndef test_expected():\n    assert False\n\n"
        "@pytest.mark.skip(reason='no board here')\ndef test_skipped():\n    pass\n"
    )
    (tmp_path / "test_module.py").write_text("import pytest\n\npytest.importorskip('no_such_module')\n")
    command = [sys.executable, "-m", "pytest", "-p", "tests.ci_plugin", "-n", workers, "-c", os.devnull]
    env = {**os.environ, "CI": variable, "PYTHONPATH": str(ROOT)}
    command += [f"--rootdir={tmp_path}", str(tmp_path)]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout
    assert "1 passed, 2 skipped, 1 xfailed" in done.stdout
    assert ("test_some.py::test_skipped: no board here" in done.stdout) == bool(status)
    assert ("no_such_module" in done.stdout.split("a skipped test is a failure")[-1]) == bool(status)
