"""Output files that appear whole or not at all, and the folder that everything made goes to."""

from __future__ import annotations

import errno
import getpass
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["build_root", "check_writable", "is_full", "make_folder", "name_failures", "write_bytes"]

_REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "make room there, or set TALOS_BUILD to a folder on another disk"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "set TALOS_BUILD to a folder to write in"),
    **dict.fromkeys((errno.EFBIG, errno.EIO), "set TALOS_BUILD to a folder on another disk"),
}
"""What to do where the build folder cannot be written."""
_FULL = 1 << 20

PROJECT = Path(__file__).resolve().parents[1]
"""Root of the source tree, where the package lies in one."""


def _failure(target: Path, error: OSError) -> OSError:
    """Return an error of the same kind that names the file and, where it is known, the remedy."""
    remedy = ""
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        remedy = "; give a file in a folder that exists"
    elif isinstance(error, PermissionError):
        remedy = "; give a file in a folder that can be written"
    return type(error)(f"cannot write {target}: {error.strerror or error}{remedy}")


def _is_device(target: Path) -> bool:
    """Return whether ``target`` is a terminal, a pipe or the like, which is written to and never replaced."""
    return target.exists() and not target.is_file()


def write_bytes(path: str | Path, data: bytes) -> Path:
    """Write ``data`` to a temporary file beside ``path``, then put it in place in one step.

    A device or a pipe (``/dev/stdout``) is written to directly. Raises OSError, naming ``path``, if it cannot be
    written; whatever was there before is then untouched.
    """
    target = Path(path)
    if target.is_dir():
        raise IsADirectoryError(f"cannot write {target}: it is a folder; give the name of a file")
    try:
        if _is_device(target):
            target.write_bytes(data)
            return target
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:40]}.")
    except OSError as error:
        raise _failure(target, error) from None
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        # mkstemp makes the file private; an output is as readable as any other new file.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)
        os.replace(name, target)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _failure(target, error) from None
        raise
    return target


def check_writable(path: str | Path) -> Path:
    """Return ``path`` if a file can be made there, leaving nothing behind; OSError as `write_bytes` otherwise."""
    target = Path(path)
    if target.is_dir():
        raise IsADirectoryError(f"cannot write {target}: it is a folder; give the name of a file")
    if _is_device(target):
        return target
    probe = target.parent / f".{target.name[:40]}.probe-{os.getpid()}"
    try:
        with open(probe, "xb"):
            pass
    except OSError as error:
        raise _failure(target, error) from None
    probe.unlink()
    return target


def make_folder(path: str | Path) -> Path:
    """Return a folder, made with its parents if need be; OSError, naming it, if it cannot be made or written to."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(f"cannot write to {folder}: it is a file; give the name of a folder") from None
    except OSError as error:
        raise type(error)(f"cannot make {folder}: {error.strerror}; give a folder that can be written") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"cannot write to {folder}: it is closed to this user; give a folder that can be written")
    return folder


@contextmanager
def name_failures(folder: Path) -> Iterator[None]:
    """Within the block, which writes below a folder of the build, an OSError names that folder and the remedy.

    One that has words of its own is passed on, and so is one that has other causes than the disk.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _REMEDIES:
            raise
        text = f"cannot write {folder}: {error.strerror}; {_REMEDIES[error.errno]}"
        raise type(error)(text) from None


def is_full(folder: Path) -> bool:
    """Return whether the disk of a folder has no room left to speak of."""
    return shutil.disk_usage(folder).free < _FULL


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


def _user_folder() -> Path:
    """Return a folder for this user alone among the system's temporary files."""
    user = getpass.getuser() if os.name == "nt" else str(os.getuid())
    try:
        folder = Path(tempfile.gettempdir()) / f"talos-{user}"
    except FileNotFoundError:
        raise OSError("no folder for temporary files can be written; set TALOS_BUILD to a folder to write in") from None
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise type(error)(f"cannot make {folder}: {error.strerror}; set TALOS_BUILD to a folder to write in") from None
    found = folder.lstat()
    # Anybody can make this name first, and would then choose what is read from here.
    private = os.name == "nt" or (found.st_uid == os.getuid() and not found.st_mode & 0o022)
    if not stat.S_ISDIR(found.st_mode) or not private:
        raise PermissionError(f"{folder} must be a folder of this user alone; set TALOS_BUILD to a folder to write in")
    return folder


def build_root() -> Path:
    """Return the folder, made if need be, that everything made goes to.

    ``$TALOS_BUILD`` where it is set; else ``build/`` of the source tree, if there is one that can be written; else
    ``talos-USER`` among the temporary files. Raises OSError if none can be written.
    """
    if given := os.environ.get("TALOS_BUILD"):
        folder = Path(given).resolve()
        if not _writable(folder):
            raise PermissionError(f"TALOS_BUILD must name a folder that can be written, not {given!r}")
        return folder
    if (PROJECT / "pyproject.toml").is_file() and _writable(PROJECT / "build"):
        return PROJECT / "build"
    return _user_folder()
