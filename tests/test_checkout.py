"""A checkout that cannot be written, and one whose user has pip install elsewhere."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.tiny_design import tiny_design

ROOT = Path(__file__).resolve().parent.parent
CHECKOUT = ("talos_ref", "hdl", "cosim", "weights", ".ci", "Makefile", "pyproject.toml", "requirements.lock")
# Root may write anywhere, but for this.
POWERLESS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.getuid() == 0 else []


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A checkout in which nothing can be written, nor in anything else in its parent folder but ``open``."""
    parent = tmp_path / "closed"
    folder = parent / "checkout"
    for name in CHECKOUT:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(ROOT / name, folder / name)
    (parent / "open").mkdir()
    folders = [parent, *(path for path in folder.rglob("*") if path.is_dir()), folder]
    for path in folders:
        path.chmod(0o555)
    yield folder
    for path in folders:
        path.chmod(0o755)


def run(folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a checkout, with ``open`` beside it for temporary files."""
    environment = {name: value for name, value in os.environ.items() if name not in ("TALOS_BUILD", "PYTHONPATH")}
    environment |= {"TMPDIR": str(folder.parent / "open"), **variables}
    return subprocess.run(
        [*POWERLESS, *command], cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        encoding="utf-8", check=False,
    )  # fmt: skip


def test_a_simulation_in_a_closed_checkout(closed: Path) -> None:
    """Its output goes where it is told to, and all else among the temporary files."""
    out = closed.parent / "open" / "sim.json"
    design = tiny_design().save(closed.parent / "open" / "design")
    command = [sys.executable, "-m", "cosim", "sim", "--design", str(design), "--simulator", "icarus"]
    done = run(closed, *command, "--icarus-names", "2", "--out", str(out))
    assert done.returncode == 0, done.stderr
    [found] = json.loads(out.read_text())["runs"]
    assert (found["names"], found["mismatches"]) == (2, 0)
    assert (closed.parent / "open" / f"talos-{os.getuid()}" / "designs").is_dir()
    assert sorted(path.name for path in closed.iterdir()) == sorted(CHECKOUT)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("cosim waves --core tile16", "cannot make build/waves: Permission denied; give a folder that can be written"),
        ("hdl resources", "cannot make build: Permission denied; give a folder that can be written"),
        ("talos_ref quant --folder build", "cannot make build: Permission denied; give a folder that can be written"),
        (
            "talos_ref train --steps 1 --out new.npz",
            "cannot write new.npz: Permission denied; give a file in a folder that can be written",
        ),
    ],
)
def test_output_into_a_closed_checkout(words: str, message: str, closed: Path) -> None:
    done = run(closed, sys.executable, "-m", *words.split())
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"error: {message}\n")


def test_a_build_folder_and_a_setup_in_a_closed_checkout(closed: Path) -> None:
    words = ["hdl.boards", "quartus", "--core", "tile16", "--no-compile"]
    done = run(closed, sys.executable, "-m", *words, TALOS_BUILD=str(closed / "build"))
    message = f"error: TALOS_BUILD must name a folder that can be written, not {str(closed / 'build')!r}\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)
    done = run(closed, "make", "--no-print-directory", "setup")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {closed} cannot be written, and .venv goes there; copy it to a folder")


def wheel(folder: Path) -> Path:
    """Return a package of one empty module."""
    files = {
        "some_package.py": "",
        "some_package-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: some-package\nVersion: 1\n",
        "some_package-1.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = io.StringIO()
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        csv.writer(record).writerow([name, f"sha256={digest}", len(text)])
    csv.writer(record).writerow(["some_package-1.dist-info/RECORD", "", ""])
    path = folder / "some_package-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**files, "some_package-1.dist-info/RECORD": record.getvalue()}.items():
            archive.writestr(name, text)
    return path


def test_packages_go_to_the_environment_of_the_checkout(tmp_path: Path) -> None:
    """Whatever a user has pip do elsewhere: here with the locked packages replaced by one that is at hand."""
    made = wheel(tmp_path)
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    checkout = tmp_path / "zwei Wörter"
    (checkout / ".ci").mkdir(parents=True)
    shutil.copyfile(ROOT / "Makefile", checkout / "Makefile")
    (checkout / "requirements.lock").write_text(f"some-package @ {made.as_uri()} --hash=sha256:{digest}\n")
    (checkout / ".ci" / "system-packages").write_text("#!/bin/sh\n")
    (checkout / ".ci" / "system-packages").chmod(0o755)
    hostile = {
        "PIP_USER": "1", "PIP_TARGET": str(tmp_path / "target"), "PIP_PREFIX": str(tmp_path / "prefix"),
        "PIP_DRY_RUN": "1", "PIP_REQUIRE_VIRTUALENV": "1", "PIP_ROOT": str(tmp_path / "root"),
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHONNOUSERSITE": "1", "HOME": "/nonexistent",
    }  # fmt: skip
    done = subprocess.run(
        ["make", "--no-print-directory", f"PYTHON={sys.executable}", ".venv/.locked"], cwd=checkout,
        env={**os.environ, **hostile}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [path.parts[-2] for path in tmp_path.rglob("some_package.py")] == ["site-packages"]
    assert list(checkout.glob(".venv/lib/python*/site-packages/some_package.py"))
