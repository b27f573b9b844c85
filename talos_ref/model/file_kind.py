"""What a file is, told by its content, and which command takes it."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass

__all__ = ["CHECKPOINT", "FileKind", "file_kind"]


@dataclass(frozen=True)
class FileKind:
    """A kind of file."""

    name: str
    """As in "it is …"."""
    remedy: str = ""
    """What can be done with it; empty if nothing."""
    command: str | None = None
    """Command that takes it: ``import-npy``, ``import-safetensors`` or ``train``."""

    def __str__(self) -> str:
        return f"{self.name}; {self.remedy}" if self.remedy else self.name

    @property
    def is_known(self) -> bool:
        """Whether the file began as some format does; text and unknown bytes do not."""
        return self not in (TEXT, UNKNOWN)


def _imported(name: str, command: str) -> FileKind:
    return FileKind(name, f"turn it into a checkpoint: python -m talos_ref {command} SOURCE --out FILE", command)


CHECKPOINT = FileKind("a checkpoint of this project", "give it as --weights")
TEXT = FileKind("plain text", "train on a word list: python -m talos_ref train --names SOURCE --out FILE", "train")
UNKNOWN = FileKind("a file of an unknown kind")

_NO_PICKLE = "its pickle is never run; save the tensors with safetensors' save_file, then use import-safetensors"

_MAGIC = {
    b"\x93NUMPY": _imported("a .npy of NumPy", "import-npy"),
    b"GGUF": FileKind("a GGUF model", "only models of this family can be used, from safetensors or .npy"),
    b"\x89HDF\r\n\x1a\n": FileKind("an HDF5 file", "save its tensors as safetensors, then use import-safetensors"),
    b"\x1f\x8b": FileKind("a gzip archive", "unpack it first"),
    b"\xff\xfe": FileKind("UTF-16 text", "save it as UTF-8"),
    b"\xfe\xff": FileKind("UTF-16 text", "save it as UTF-8"),
}
_SHOWN = 5
"""Members of an archive that are named."""


def _zip_kind(data: bytes) -> FileKind:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.namelist()
    except Exception as error:  # a damaged directory fails in any way
        return FileKind(f"a truncated or damaged zip ({error})", "make or copy it again")
    if "model.npy" in members:
        return CHECKPOINT
    if any(name.endswith("data.pkl") for name in members):
        return FileKind("a PyTorch file", _NO_PICKLE)
    if members and all(name.endswith(".npy") for name in members):
        shown = ", ".join(name.removesuffix(".npy") for name in members[:_SHOWN])
        more = f" and {len(members) - _SHOWN} more" if len(members) > _SHOWN else ""
        return _imported(f"an .npz of other arrays ({shown}{more})", "import-npy")
    return FileKind("a zip archive without weights")


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        # The last character may be cut.
        if error.start < len(head) - 4:
            return False
        text = head[: error.start].decode("utf-8")
    return "\0" not in text


def file_kind(data: bytes) -> FileKind:
    """Return what a file with this content is."""
    head = data[:4096]
    if not head:
        return FileKind("an empty file", "make or copy it again")
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            return kind
    if head.startswith(b"PK"):
        return _zip_kind(data)
    # A safetensors file is the length of a header, 8 bytes, and the header, which is JSON.
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 100_000_000:
        return _imported("a safetensors file", "import-safetensors")
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return FileKind("a pickle, as old PyTorch files are", _NO_PICKLE)
    return TEXT if _is_text(head) else UNKNOWN
