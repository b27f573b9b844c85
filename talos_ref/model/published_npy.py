"""Import of a published ``.npy`` that holds a pickled dict of arrays, without running a pickle."""

from __future__ import annotations

import math
import pickletools
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from talos_ref.model.checkpoint import Checkpoint, save
from talos_ref.model.config import MICROGPT, ModelConfig
from talos_ref.model.npy_header import read_npy_header

__all__ = ["load_published", "import_npy"]

MAX_BYTES = 1 << 26
"""Largest file read; the published one has 17,520 bytes."""

_ALIASES = {"attn_wq": "wq", "attn_wk": "wk", "attn_wv": "wv", "attn_wo": "wo", "mlp_fc1": "fc1", "mlp_fc2": "fc2"}

_RECONSTRUCT, _SCALAR, _NDARRAY, _DTYPE = "_reconstruct", "scalar", "ndarray", "dtype"
_NAMES = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy.core.multiarray", "scalar"): _SCALAR,
    ("numpy._core.multiarray", "scalar"): _SCALAR,
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _DTYPE,
}
"""The names a file may use. They become the marks above, never the functions themselves: nothing is called."""

_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_VALUES = {
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
}
_FIXED_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class _Name:
    """One of the allowed names, standing on the stack."""

    def __init__(self, kind: str) -> None:
        self.kind = kind


class _Dtype:
    """An element type: ``f2``, ``f4``, ``f8`` or ``O`` with its size, and its byte order."""

    def __init__(self, spec: Any) -> None:
        if spec not in ("f2", "f4", "f8", "O", "O8"):
            raise ValueError(f"array must be of floats, not {spec!r}")
        self.spec = spec
        self.order = "="

    def build(self, state: Any) -> None:
        self.order = state[1]
        if self.order not in ("<", ">", "=", "|"):
            raise ValueError(f"byte order must be '<' or '>', not {self.order!r}")

    def numpy(self) -> np.dtype[Any]:
        if self.spec.startswith("O"):
            raise ValueError("array must be of floats, not objects")
        kind: np.dtype[Any] = np.dtype(("<" if self.order == "|" else self.order) + self.spec)
        return kind


class _Array:
    """An array, before and after its contents are known; one of objects holds the dict that ``numpy.save`` wrapped."""

    def __init__(self) -> None:
        self.value: Any = None

    def build(self, state: Any) -> None:
        _, shape, dtype, fortran, content = state
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
        self.value = np.frombuffer(content, dtype=kind).reshape(shape, order="F" if fortran is True else "C")


class _Machine:
    """The part of the pickle machine that arrays, dicts, lists and numbers need, and no more."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def pop_marked(self) -> list[Any]:
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def name(self, module: Any, name: Any) -> None:
        kind = _NAMES.get((module, name)) if isinstance(module, str) and isinstance(name, str) else None
        if kind is None:
            raise ValueError(f"it must hold arrays and dicts only, not {module}.{name}; refused, nothing was run")
        self.stack.append(_Name(kind))

    def reduce(self) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        kind = function.kind if isinstance(function, _Name) else None
        if kind == _RECONSTRUCT and isinstance(arguments[0], _Name) and arguments[0].kind == _NDARRAY:
            self.stack.append(_Array())
        elif kind == _DTYPE:
            self.stack.append(_Dtype(arguments[0]))
        elif kind == _SCALAR and isinstance(arguments[0], _Dtype) and isinstance(arguments[1], bytes):
            self.stack.append(float(np.frombuffer(arguments[1], dtype=arguments[0].numpy(), count=1)[0]))
        else:
            raise ValueError(f"it must hold arrays and dicts only, not a call of {kind or type(function).__name__}")

    def build(self) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if not isinstance(target, (_Array, _Dtype)):
            raise ValueError(f"it must hold arrays and dicts only, not a state of {type(target).__name__}")
        target.build(state)

    def extend(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise ValueError("items must go into a list")
        target.extend(items)

    def update(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not dict or not all(isinstance(key, str) for key in items[::2]):
            raise ValueError("pairs must go into a dict, with names as keys")
        target.update(zip(items[::2], items[1::2], strict=True))

    def step(self, opcode: str, argument: Any) -> None:
        stack = self.stack
        if opcode in _VALUES:
            stack.append(argument)
        elif opcode in _CONSTANTS:
            stack.append(_CONSTANTS[opcode])
        elif opcode in _FIXED_TUPLES:
            start = len(stack) - _FIXED_TUPLES[opcode]
            stack[start:] = [tuple(stack[start:])]
        elif opcode in ("EMPTY_LIST", "EMPTY_DICT"):
            stack.append([] if opcode == "EMPTY_LIST" else {})
        elif opcode == "MARK":
            self.marks.append(len(stack))
        elif opcode == "TUPLE":
            stack.append(tuple(self.pop_marked()))
        elif opcode in ("APPEND", "APPENDS"):
            self.extend([stack.pop()] if opcode == "APPEND" else self.pop_marked())
        elif opcode in ("SETITEM", "SETITEMS"):
            self.update([stack.pop(-2), stack.pop()] if opcode == "SETITEM" else self.pop_marked())
        elif opcode == "MEMOIZE":
            self.memo[len(self.memo)] = stack[-1]
        elif opcode in ("BINPUT", "LONG_BINPUT"):
            self.memo[argument] = stack[-1]
        elif opcode in ("BINGET", "LONG_BINGET"):
            stack.append(self.memo[argument])
        elif opcode == "GLOBAL":
            self.name(*argument.split(" ", 1))
        elif opcode == "STACK_GLOBAL":
            self.name(stack.pop(-2), stack.pop())
        elif opcode == "REDUCE":
            self.reduce()
        elif opcode == "BUILD":
            self.build()
        elif opcode not in ("PROTO", "FRAME", "STOP"):
            raise ValueError(f"it must hold arrays and dicts only, not opcode {opcode}; refused, nothing was run")


def _unpack(data: bytes) -> Any:
    machine = _Machine()
    for opcode, argument, _ in pickletools.genops(data):
        machine.step(opcode.name, argument)
    (value,) = machine.stack
    return value


def _matrix(name: str, value: Any) -> npt.NDArray[np.float32]:
    if isinstance(value, _Array):
        value = value.value
    elif isinstance(value, list) and all(
        isinstance(row, list) and len(row) == len(value[0]) and all(type(x) is float for x in row) for row in value
    ):
        value = np.array(value)
    if not isinstance(value, np.ndarray):
        raise ValueError(f"{name!r} must be an array of floats, not {type(value).__name__}")
    with np.errstate(over="ignore"):  # becomes an infinity, which Checkpoint refuses by name
        return value.astype(np.float32)


def _tensor_name(name: str) -> str:
    layer, dot, tensor = name.rpartition(".")
    tensor = _ALIASES.get(tensor, tensor)
    if dot:
        return f"{layer}.{tensor}"
    return f"layer0.{tensor}" if tensor in _ALIASES.values() else tensor


def load_published(path: str | Path, config: ModelConfig = MICROGPT) -> Checkpoint:
    """Return the checkpoint in a ``.npy`` made by ``numpy.save(path, dict)``: name -> array or list of lists of floats.

    Names are ``wte``, ``wpe``, ``lm_head`` and, per layer, ``layer0.attn_wq`` … ``layer0.mlp_fc2``, ``layer0.wq`` … or,
    for layer 0, ``wq`` … alone. The pickle inside is read as data by a machine that can build arrays, dicts, lists and
    numbers and can call nothing. Raises OSError if the file cannot be read, and ValueError, naming it, if it asks for
    anything else, is damaged, or does not fit ``config``.
    """
    with open(path, "rb") as stream:
        data = stream.read(MAX_BYTES + 1)
    try:
        if len(data) > MAX_BYTES:
            raise ValueError(f"it must have at most {MAX_BYTES} bytes")
        dtype, shape, _, body = read_npy_header(data)
        if not dtype.hasobject or shape != ():
            raise ValueError(f"it must hold one dict, not {dtype} of shape {shape}")
        content = _unpack(body)
        content = content.value if isinstance(content, _Array) else content
        if not isinstance(content, dict):
            raise ValueError(f"it must hold one dict, not {type(content).__name__}")
        tensors: dict[str, npt.NDArray[np.float32]] = {}
        for name, value in content.items():
            if (key := _tensor_name(name)) in tensors:
                raise ValueError(f"tensor {key!r} must appear once; {name!r} is a second one")
            tensors[key] = _matrix(name, value)
        return Checkpoint(config, tensors)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        # A damaged pickle can fail in any of these ways; what it says then is of no use without the file.
        raise ValueError(f"{path} is not a usable published checkpoint: {error}") from None


def import_npy(source: str | Path, out: str | Path, config: ModelConfig = MICROGPT) -> Checkpoint:
    """Write the published checkpoint ``source`` as our own file ``out``, and return it; raises as its two parts do."""
    checkpoint = load_published(source, config)
    save(checkpoint, out)
    return checkpoint
