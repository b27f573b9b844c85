"""Output files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["build_root", "check_writable", "write_bytes"]


def write_bytes(path: str | Path, data: bytes) -> Path:
    """Write ``data`` to a temporary file beside ``path``, then put it in place in one step.

    Raises OSError, naming ``path``, if it cannot be written; whatever was there before is then untouched.
    """
    target = Path(path)
    if target.is_dir():
        raise IsADirectoryError(f"cannot write {target}: it is a folder; give the name of a file")
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise type(error)(f"cannot write {target}: {error.strerror}; give a file in a folder that exists") from None
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
            raise type(error)(f"cannot write {target}: {error.strerror}") from None
        raise
    return target


def check_writable(path: str | Path) -> Path:
    """Return ``path`` if a file can be made there, leaving nothing behind; OSError as `write_bytes` otherwise."""
    target = Path(path)
    probe = target.parent / f".{target.name}.probe-{os.getpid()}"
    if target.is_dir():
        raise IsADirectoryError(f"cannot write {target}: it is a folder; give the name of a file")
    try:
        with open(probe, "xb"):
            pass
    except OSError as error:
        raise type(error)(f"cannot write {target}: {error.strerror}; give a file in a folder that exists") from None
    probe.unlink()
    return target


def build_root() -> Path:
    """Return the folder of everything that is built: ``$TALOS_BUILD``, or ``build`` in the project."""
    given = os.environ.get("TALOS_BUILD")
    return Path(given).resolve() if given else Path(__file__).resolve().parent.parent / "build"
