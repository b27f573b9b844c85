"""What is said of files that are no checkpoints."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save as safetensors_bytes

from talos_ref.model.file_kind import file_kind


def npy() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.zeros(3))
    return stream.getvalue()


def archive(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as out:
        for name in names:
            out.writestr(name, b"1234")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "command"),
    [
        (b"", "an empty file", "copy it again"),
        (npy(), "a .npy of NumPy", "import-npy"),
        (npy()[:20], "a .npy of NumPy", "import-npy"),
        (safetensors_bytes({"a": np.zeros(3)}), "a safetensors file", "import-safetensors"),
        (safetensors_bytes({"a": np.zeros(3)})[:30], "a safetensors file", "import-safetensors"),
        (archive("model/data.pkl", "model/data/0"), "a PyTorch file", "import-safetensors"),
        (archive("a.npy", "b.npy"), "an .npz of other arrays (a, b)", "import-npy"),
        (archive(*(f"{i}.npy" for i in range(9))), "an .npz of other arrays (0, 1, 2, 3, 4 and 4 more)", "import-npy"),
        (archive("a.npy")[:-8], "a truncated or damaged zip (File is not a zip file)", "copy it again"),
        (archive("word/document.xml"), "a zip archive without weights", ""),
        (archive(), "a zip archive without weights", ""),
        (pickle.dumps({"a": 1}), "a pickle, as old PyTorch files are", "import-safetensors"),
        (b"GGUF\3\0\0\0", "a GGUF model", ""),
        (b"\x89HDF\r\n\x1a\n....", "an HDF5 file", "import-safetensors"),
        (b"\x1f\x8b\x08\0", "a gzip archive", "unpack"),
        ("ada\nżółw\n".encode(), "plain text", "train --names"),
        (("ż" * 4096).encode()[1:], "a file of an unknown kind", ""),
        (("a" + "ż" * 4096).encode(), "plain text", "train --names"),
        (b'{"a": 1}', "plain text", "train --names"),
        (struct.pack("<4f", 1.0, 2.0, -3.0, 4.0), "a file of an unknown kind", ""),
        (b"\0" * 100, "a file of an unknown kind", ""),
    ],
)
def test_kinds(content: bytes, name: str, command: str) -> None:
    kind = file_kind(content)
    assert kind.name == name
    assert command in kind.remedy
    assert str(kind) == (f"{name}; {kind.remedy}" if kind.remedy else name)
