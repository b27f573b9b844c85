"""Output files: whole or not at all, devices written to and kept, and the folder that everything goes to."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest

from talos_ref import files
from talos_ref.files import build_root, check_writable, make_folder, write_bytes


def test_a_full_disk_names_the_file() -> None:
    with pytest.raises(OSError, match=r"^cannot write /dev/full: No space left on device$"):
        write_bytes("/dev/full", b"x" * 100_000)


@pytest.mark.parametrize("at", ["mkstemp", "replace"])
def test_a_full_disk_leaves_what_was_there(at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "kept"
    kept.write_text("before")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile if at == "mkstemp" else os, at, full)
    with pytest.raises(OSError, match=r"^cannot write .*/kept: No space left on device$"):
        write_bytes(kept, b"after")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert kept.read_text() == "before"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    for write in (check_writable, lambda path: write_bytes(path, b"")):
        with pytest.raises(FileNotFoundError, match=r"none/a: No such file or directory; give a file in a folder"):
            write(tmp_path / "none" / "a")
        with pytest.raises(IsADirectoryError, match=r"^cannot write .*: it is a folder; give the name of a file$"):
            write(tmp_path)


def test_a_pipe_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert check_writable(pipe) == pipe
        assert write_bytes(pipe, b"abc") == pipe
        assert os.read(reader, 10) == b"abc"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_a_name_as_long_as_the_system_allows(tmp_path: Path) -> None:
    path = tmp_path / ("한" * 85)
    assert check_writable(path) == path
    assert write_bytes(path, b"a").read_bytes() == b"a"


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No TALOS_BUILD, a source tree of its own, and a folder for temporary files."""
    monkeypatch.delenv("TALOS_BUILD", raising=False)
    monkeypatch.setattr(files, "PROJECT", tmp_path / "project")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "project").mkdir()
    (tmp_path / "temporary").mkdir()
    return tmp_path


def test_build_root_is_in_the_source_tree(clean: Path) -> None:
    (clean / "project" / "pyproject.toml").touch()
    assert build_root() == clean / "project" / "build"
    assert build_root().is_dir()


def test_build_root_is_given(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (clean / "project" / "pyproject.toml").touch()
    monkeypatch.setenv("TALOS_BUILD", str(clean / "elsewhere" / "made"))
    assert build_root() == clean / "elsewhere" / "made"
    assert build_root().is_dir()
    monkeypatch.setenv("TALOS_BUILD", str(clean / "project" / "pyproject.toml"))
    with pytest.raises(PermissionError, match=r"^TALOS_BUILD must name a folder that can be written, not '.*\.toml'$"):
        build_root()
    monkeypatch.setenv("TALOS_BUILD", "")
    assert build_root() == clean / "project" / "build"


def test_build_root_without_a_source_tree_or_a_home(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    folder = build_root()
    assert folder == clean / "temporary" / f"talos-{os.getuid()}"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert build_root() == folder


def test_build_root_where_the_source_tree_cannot_be_written(clean: Path) -> None:
    (clean / "project" / "pyproject.toml").touch()
    (clean / "project" / "build").write_text("a file, so no folder can be made")
    assert build_root() == clean / "temporary" / f"talos-{os.getuid()}"


def test_a_folder_that_somebody_else_may_write_is_refused(clean: Path) -> None:
    folder = clean / "temporary" / f"talos-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(PermissionError, match=r"talos-\d+ must be a folder of this user alone; set TALOS_BUILD to"):
        build_root()
    folder.rmdir()
    folder.symlink_to(clean / "project")
    with pytest.raises(PermissionError, match=r"talos-\d+ must be a folder of this user alone; set TALOS_BUILD to"):
        build_root()


def test_a_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    assert make_folder(tmp_path / "a" / "b") == make_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_text("kept")
    with pytest.raises(NotADirectoryError, match=r"^cannot write to .*/file: it is a file; give the name of a folder$"):
        make_folder(tmp_path / "file")
    with pytest.raises(NotADirectoryError, match=r"^cannot make .*/file/a: Not a directory; give a folder"):
        make_folder(tmp_path / "file" / "a")
