"""Import of a ``.npy`` that holds a pickled dict of arrays, or of an ``.npz`` of arrays; nothing is executed.

A pickle is a program that may call whatever it can name. This one can name four things of NumPy, by which arrays are
rebuilt, and they are not NumPy's own but stand-ins below that check what they are given: NumPy's would take a pickle's
word for the layout of memory.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.file_kind import file_kind
from talos_ref.model.import_tensors import MAX_BYTES, checkpoint_of
from talos_ref.model.npy import npy_array, npy_header

__all__ = ["load_published"]

MAX_TUPLES = 1 << 14
"""Tuples in one pickle: hashing a tuple recurses in C, and a deep enough one would end the process."""
MAX_ROWS = 1 << 10
"""Rows and columns of a matrix written as lists, which may be one list a million times."""


class _Name:
    """An allowed name: can be called as a pickle of arrays calls it, and does nothing else."""

    def __init__(self, name: str, call: Callable[..., Any] | None = None) -> None:
        self.name, self.call = name, call

    def __call__(self, *arguments: Any) -> Any:
        if self.call is None:
            raise ValueError(f"it must hold arrays and dicts only, not a call of {self.name}; nothing was run")
        return self.call(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise ValueError(f"it must hold arrays and dicts only, not a state of {self.name}; nothing was run")


class _Dtype:
    """An element type: ``f2``, ``f4``, ``f8`` or ``O`` with its size, and its byte order."""

    def __init__(self, spec: Any, *_: Any) -> None:
        if spec not in ("f2", "f4", "f8", "O", "O8"):
            raise ValueError(f"array must be of floats, not {spec!r}")
        self.spec: str = spec
        self.order = "<"

    def __setstate__(self, state: Any) -> None:
        if state[1] not in ("<", ">", "=", "|"):
            raise ValueError(f"byte order must be '<' or '>', not {state[1]!r}")
        self.order = "<" if state[1] == "|" else state[1]

    def numpy(self) -> np.dtype[Any]:
        if self.spec.startswith("O"):
            raise ValueError("array must be of floats, not objects")
        kind: np.dtype[Any] = np.dtype(self.order + self.spec)
        return kind


class _Array:
    """An array, before and after its contents are known; one of objects holds the dict that ``numpy.save`` wrapped."""

    def __init__(self, kind: Any, *_: Any) -> None:
        if kind is not _NDARRAY:
            raise ValueError(f"it must hold arrays and dicts only, not {type(kind).__name__}; nothing was run")
        self.value: Any = None

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, columns_first, content = state
        if not isinstance(dtype, _Dtype) or not isinstance(shape, tuple):
            raise ValueError("array must have a shape and an element type")
        if isinstance(content, list):
            if not dtype.spec.startswith("O") or shape != () or len(content) != 1:
                raise ValueError(f"array of objects must hold one dict, not shape {shape}")
            self.value = content[0]
            return
        kind = dtype.numpy()
        if not all(type(n) is int and n >= 0 for n in shape) or math.prod(shape) * kind.itemsize != len(content):
            raise ValueError(f"array of shape {shape} must have its own size in bytes, not {len(content)}")
        self.value = np.frombuffer(content, dtype=kind).reshape(shape, order="F" if columns_first else "C")


def _scalar(dtype: Any, content: Any) -> float:
    if not isinstance(dtype, _Dtype) or not isinstance(content, bytes):
        raise ValueError("scalar must have an element type and its bytes")
    return float(np.frombuffer(content, dtype=dtype.numpy(), count=1)[0])


_NDARRAY = _Name("numpy.ndarray")
_ALLOWED = {
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _Name("numpy.dtype", _Dtype),
    **{
        (f"numpy.{package}.multiarray", name): _Name(name, call)
        for package in ("core", "_core")  # NumPy 1 and 2
        for name, call in (("_reconstruct", _Array), ("scalar", _scalar))
    },
}


class _Reader(pickle.Unpickler):
    """Unpickles what four names can build; any other name is refused before it is looked up."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise ValueError(f"it must hold arrays and dicts only, not {module}.{name}; refused, nothing was run")
        return _ALLOWED[module, name]


def _unpickle(data: bytes) -> Any:
    """Return what a pickle of arrays, dicts, lists and numbers holds; arrays as `_Array`."""
    tuples = 0
    for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
        # The unpickler makes room for as many memories as the greatest number says.
        if opcode.name.endswith("PUT") and isinstance(argument, int) and argument > count:
            raise ValueError("its pickle must number its memories in order")
        tuples += "TUPLE" in opcode.name
        if tuples > MAX_TUPLES:
            raise ValueError(f"its pickle must have at most {MAX_TUPLES} tuples; save arrays, not lists of numbers")
    return _Reader(io.BytesIO(data)).load()


def _matrix(name: str, value: Any) -> npt.NDArray[Any]:
    if isinstance(value, _Array):
        value = value.value
    elif isinstance(value, list):
        columns = len(value[0]) if value and isinstance(value[0], list) else 0
        rows = [row for row in value[:MAX_ROWS] if isinstance(row, list) and len(row) == columns <= MAX_ROWS]
        if len(rows) == len(value) and all(type(x) is float for row in rows for x in row):
            value = np.array(rows)
    if not isinstance(value, np.ndarray):
        raise ValueError(f"{name!r} must be an array of floats, not {type(value).__name__}")
    return value


def _read_npy(data: bytes) -> dict[str, npt.NDArray[Any]]:
    dtype, shape, _, body = npy_header(data, "it")
    if not dtype.hasobject or shape != ():
        raise ValueError(f"it must hold one dict, not {dtype} of shape {shape}")
    content = _unpickle(body)
    content = content.value if isinstance(content, _Array) else content
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        kind = "other keys" if isinstance(content, dict) else type(content).__name__.lstrip("_").lower()
        raise ValueError(f"it must hold one dict, name -> array, not {kind}")
    return {name: _matrix(name, value) for name, value in content.items()}


def _read_npz(data: bytes) -> dict[str, npt.NDArray[Any]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
        # A compressed member could unpack to any size.
        if sum(info.file_size for info in members) > MAX_BYTES:
            raise ValueError(f"it must have at most {MAX_BYTES} bytes")
        return {
            name: npy_array(archive.read(info), f"member {name!r}")
            for info in members
            for name in [info.filename.removesuffix(".npy")]
        }


def load_published(path: str | Path, **given: Any) -> Checkpoint:
    """Return the checkpoint in a ``.npy`` made by ``numpy.save(path, dict)``, or in an ``.npz`` of arrays.

    The dict is name -> array or list of lists of floats; names and ``given`` are those of
    `import_tensors.checkpoint_of`. Raises OSError if the file cannot be read, and ValueError, naming it, if it is of
    another kind, asks for more than arrays, is damaged, or is no microGPT.
    """
    with open(path, "rb") as stream:
        data = stream.read(MAX_BYTES + 1)
    try:
        if len(data) > MAX_BYTES:
            raise ValueError(f"it must have at most {MAX_BYTES} bytes")
        if (kind := file_kind(data)).command != "import-npy":
            raise ValueError(f"it is {kind}")
        return checkpoint_of(_read_npz(data) if data.startswith(b"PK") else _read_npy(data), given)
    except Exception as error:
        # A damaged pickle or zip can fail in any way; what it says then is of no use without the file.
        raise ValueError(f"{path} is not a usable .npy of weights: {error or type(error).__name__}") from None
