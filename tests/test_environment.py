"""Commands do the same in any environment, or say in a line what is wrong with it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.designs import tiny_design

ROOT = Path(__file__).resolve().parent.parent

_NAMES = (
    *("TOPLEVEL", "MODULE", "SIM", "COCOTB_TEST_FILTER", "COCOTB_TOPLEVEL", "COCOTB_TEST_MODULES"),
    *("COCOTB_RANDOM_SEED", "GPI_USERS", "LIBPYTHON_LOC", "VERILATOR_ROOT"),
    *("IVERILOG_ICONFIG", "IVERILOG_VPI_MODULE_PATH", "IVERILOG_DUMPER", "VVP", "VERILATOR_BIN", "CXXFLAGS"),
)
LEFT_OVER = {
    **dict.fromkeys(_NAMES, "no_such"),
    "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONOPTIMIZE": "2", "PYTHONWARNINGS": "error",
    "PYTHONSTARTUP": "/no_such", "HOME": "/", "MAKEFLAGS": "-n",
}  # fmt: skip
"""What simulators, make and Python would heed, were it not kept from them."""

ENVIRONMENTS: dict[str, dict[str, str | None]] = {
    "no home": {"HOME": None, "XDG_CACHE_HOME": None},
    "no such home": {"HOME": "/nonexistent", "XDG_CACHE_HOME": "/nonexistent/cache"},
    "home is a file": {"HOME": os.devnull},
    "no temporary folder": {"TMPDIR": "/no_such"},
    "ASCII": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "no such locale": {"LANG": "xx_YY.bad"},
    "Turkish": {"LANG": "tr_TR.UTF-8"},
    "left over": {**LEFT_OVER},
    "safe path": {"PYTHONSAFEPATH": "1"},
}


def shell(script: str, changes: dict[str, str | None], *words: str) -> subprocess.CompletedProcess[str]:
    """Run a script of bash, in which ``$PYTHON`` is this one, with variables changed, or removed by None."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHON": sys.executable, **changes}
    return subprocess.run(
        ["bash", "-c", script, "bash", *words], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        encoding="utf-8", env={name: value for name, value in variables.items() if value is not None}, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("changes", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_a_name_in_any_environment(changes: dict[str, str | None]) -> None:
    done = shell('"$PYTHON" -m talos_ref generate --seed 1 --count 1', changes)
    assert (done.returncode, done.stdout, done.stderr) == (0, "adle\n", "")


@pytest.mark.parametrize("switches", ["-O", "-OO", "-W error", "-u", "-B -E -s -X dev"])
def test_a_name_with_any_switch_of_python(switches: str) -> None:
    done = shell(f'"$PYTHON" {switches} -m talos_ref generate --seed 1 --count 1', {})
    assert (done.returncode, done.stdout, done.stderr) == (0, "adle\n", "")


@pytest.mark.parametrize(
    ("where", "reason"),
    [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")],
    ids=["full", "closed"],
)
@pytest.mark.parametrize("words", ["generate --count 1", "--help"])
def test_standard_output_that_takes_nothing(words: str, where: str, reason: str) -> None:
    done = shell(f'"$PYTHON" -m talos_ref {words} {where}', {})
    assert (done.returncode, done.stderr) == (1, f"error: cannot write to standard output: {reason}\n")


def test_a_file_is_written_without_any_standard_stream(tmp_path: Path) -> None:
    done = shell('"$PYTHON" -m talos_ref generate --count 1 --out "$1" <&- >&- 2>&-', {}, str(tmp_path / "names"))
    assert (done.returncode, (tmp_path / "names").read_text()) == (0, "adle\n")


def test_a_simulation_in_a_hostile_environment(tmp_path: Path) -> None:
    """All at once, below a folder whose name has blanks and letters that are not ASCII, for this user alone."""
    folder = tmp_path / "zwei Wörter"
    design = tiny_design().save(folder / "design")
    changes = {**LEFT_OVER, "TALOS_BUILD": str(folder), "TMPDIR": str(folder), "LC_ALL": "C", "PYTHONUTF8": "0"}
    script = 'umask 077; "$PYTHON" -m cosim sim --design "$1" --simulator icarus --icarus-names 2 --out "$2"'
    done = shell(script, {**changes}, str(design), str(folder / "sim.json"))
    assert done.returncode == 0, done.stderr
    [run] = json.loads((folder / "sim.json").read_text())["runs"]
    assert (run["names"], run["mismatches"]) == (2, 0)


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    """Files of more than a kilobyte find no room, as on a disk that is full."""
    out = tmp_path / "core.v"
    done = shell('ulimit -f 1; "$PYTHON" -m hdl schedule --core tile16 --out "$1"', {}, str(out))
    assert (done.returncode, done.stderr) == (1, f"error: cannot write {out}: File too large\n")
    assert list(tmp_path.iterdir()) == []


def test_a_clone_with_line_ends_of_windows(tmp_path: Path) -> None:
    """Its scripts run, and so does what it is for."""
    clone = tmp_path / "clone"
    git = [str(shutil.which("git")), "-c", "safe.directory=*", "-c", "core.autocrlf=true", "clone", "--quiet"]
    subprocess.run([*git, "--config", "core.autocrlf=true", str(ROOT), str(clone)], check=True)
    changes: dict[str, str | None] = {"PYTHONPATH": str(clone)}
    script = 'cd "$1"; .ci/system-packages "$PYTHON"; "$PYTHON" -m talos_ref generate --count 1'
    done = shell(script, changes, str(clone))
    assert (done.returncode, done.stdout.splitlines()[-1:], done.stderr) == (0, ["adle"], "")
