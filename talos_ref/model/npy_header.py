"""Header of a ``.npy`` file, read as text of one fixed form: nothing in it is evaluated."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

__all__ = ["read_npy_header"]

_MAGIC = b"\x93NUMPY"
_FORM = re.compile(
    r"\{'descr': '([<>|=]?[A-Za-z][0-9]{0,9})', 'fortran_order': (True|False), 'shape': \(([0-9, ]*)\), \} *\n"
)


def read_npy_header(data: bytes) -> tuple[np.dtype[Any], tuple[int, ...], bool, bytes]:
    """Return element type, shape, whether columns come first, and the bytes after the header.

    Reads versions 1.0 and 2.0 as ``numpy.save`` writes them (NEP 1). Raises ValueError for anything else.
    """
    if not data.startswith(_MAGIC):
        raise ValueError("it must begin as a .npy file does")
    width = {b"\x01\x00": 2, b"\x02\x00": 4}.get(data[6:8])
    if width is None:
        raise ValueError(f".npy version must be 1.0 or 2.0, not {'.'.join(map(str, data[6:8]))}")
    start = 8 + width
    end = start + int.from_bytes(data[8:start], "little")
    match = _FORM.fullmatch(data[start:end].decode("latin-1"))
    if match is None or end > len(data):
        raise ValueError("its .npy header must give a plain element type, an order and a shape")
    try:
        dtype = np.dtype(match[1])
    except TypeError:
        raise ValueError(f"its element type must be one of NumPy's, not {match[1]!r}") from None
    shape = tuple(int(n) for n in match[3].replace(" ", "").split(",") if n)
    return dtype, shape, match[2] == "True", data[end:]
