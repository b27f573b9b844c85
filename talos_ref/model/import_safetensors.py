"""Import of a safetensors file: tensors under the names of other trainers, and what its metadata says of the model."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, deserialize

from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig
from talos_ref.model.file_kind import file_kind
from talos_ref.model.import_tensors import MAX_BYTES, checkpoint_of

__all__ = ["load_safetensors"]

_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}


def _array(name: str, entry: dict[str, Any]) -> npt.NDArray[Any]:
    data, shape, kind = bytes(entry["data"]), entry["shape"], entry["dtype"]
    if kind == "BF16":
        # The upper half of a float32; NumPy has no such type.
        words = np.frombuffer(data, dtype="<u2").astype("<u4") << 16
        return words.view("<f4").reshape(shape)
    if kind not in _DTYPES:
        raise ValueError(f"{name!r} must be F64, F32, F16 or BF16, not {kind}")
    return np.frombuffer(data, dtype=_DTYPES[kind]).reshape(shape)


def _metadata(data: bytes) -> dict[str, Any]:
    """Return the fields of ModelConfig among the metadata, which are strings."""
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    metadata = header.get("__metadata__") or {}
    found: dict[str, Any] = {}
    for field in fields(ModelConfig):
        if (text := metadata.get(field.name)) is None:
            continue
        try:
            found[field.name] = text if field.name == "alphabet" else int(text)
        except ValueError:
            raise ValueError(f"{field.name} must be an integer in the metadata, not {text[:40]!r}") from None
    return found


def load_safetensors(path: str | Path, **given: Any) -> Checkpoint:
    """Return the checkpoint in a safetensors file of float64, float32, float16 or bfloat16 tensors.

    Names are those of `import_tensors.tensor_name`. Metadata named as the fields of ModelConfig (``alphabet``,
    ``n_head``, …) say what the shapes do not; ``given`` goes before them. Raises OSError if the file cannot be read,
    and ValueError, naming it, if it is of another kind, damaged, or no microGPT.
    """
    with open(path, "rb") as stream:
        data = stream.read(MAX_BYTES + 1)
    try:
        if len(data) > MAX_BYTES:
            raise ValueError(f"it must have at most {MAX_BYTES} bytes")
        try:
            entries = deserialize(data)  # type: ignore[no-untyped-call]
        except SafetensorError as error:
            kind = file_kind(data)
            damaged = kind.command == "import-safetensors"
            raise ValueError(f"it is damaged ({error})" if damaged else f"it is {kind}") from None
        arrays = {name: _array(name, entry) for name, entry in entries}
        return checkpoint_of(arrays, _metadata(data) | given)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is not a usable safetensors file: {error}") from None
