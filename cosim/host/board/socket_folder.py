"""A folder for the files of a simulated board, its socket among them, which goes with the process that made it."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from cosim.host.errors import HostError

__all__ = ["SOCKET", "socket_folder"]

SOCKET = "socket"
"""Name of the socket in the folder."""
_SOCKET_BYTES = 107
"""The longest path of a Unix socket."""
_PREFIX = "talos-board-"
_OWNER = "owner.lock"
_UNOWNED_SECONDS = 3600.0
"""A folder without a lock is a new one, or after this time one of a process that ended before it had taken the lock."""


@contextmanager
def socket_folder() -> Iterator[Path]:
    """Yield a new folder in which the path of a socket is short enough; it is removed when the block ends.

    Those of processes that could not remove theirs, since they were killed, are removed first. Raises HostError if no
    folder for temporary files has a path that is short enough, or none can be written.
    """
    parent = _parent()
    for left in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            _clear(left)
    try:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    except OSError as error:
        raise HostError(f"TMPDIR must be a folder that can be written, not {str(parent)!r}: {error.strerror}") from None
    try:
        with FileLock(folder / _OWNER):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _parent() -> Path:
    for parent in (tempfile.gettempdir(), "/tmp"):
        # What mkdtemp adds is of constant length.
        name = os.path.join(parent, f"{_PREFIX}12345678", SOCKET)
        if len(os.fsencode(name)) <= _SOCKET_BYTES and os.path.isdir(parent):
            return Path(parent)
    raise HostError(f"TMPDIR must be a folder with a shorter path, not {tempfile.gettempdir()!r}: a socket goes there")


def _clear(folder: Path) -> None:
    """Remove a folder whose owner is gone; OSError if it is somebody else's, or has gone by itself."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        return
    if not (folder / _OWNER).exists():
        if time.time() - found.st_mtime > _UNOWNED_SECONDS:
            shutil.rmtree(folder)
        return
    with suppress(Timeout), FileLock(folder / _OWNER, timeout=0):
        shutil.rmtree(folder)
