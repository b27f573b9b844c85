"""Arrays in the ``.npy`` format, read without trust: nothing is executed, nothing is allocated that is not there."""

from __future__ import annotations

import io
import math
import warnings
from typing import Any

import numpy as np
import numpy.lib.format as npy_format
import numpy.typing as npt

__all__ = ["npy_array", "npy_header"]

_READERS = {(1, 0): npy_format.read_array_header_1_0, (2, 0): npy_format.read_array_header_2_0}


def npy_header(data: bytes, what: str) -> tuple[np.dtype[Any], tuple[int, ...], bool, bytes]:
    """Return element type, shape, whether columns come first, and the bytes after the header.

    Reads versions 1.0 and 2.0 (NEP 1). Raises ValueError, which begins with ``what``, for anything else.
    """
    if not data.startswith(npy_format.MAGIC_PREFIX):
        raise ValueError(f"{what} must begin as a .npy file does")
    stream = io.BytesIO(data)
    try:
        with warnings.catch_warnings():
            # What NumPy warns of here, headers of Python 2 and old names of types, is not read. Other kinds of warning
            # may come from objects that happen to be collected meanwhile.
            for category in (UserWarning, SyntaxWarning, DeprecationWarning):
                warnings.simplefilter("error", category)
            version = npy_format.read_magic(stream)
            if version not in _READERS:
                raise ValueError(f"version must be 1.0 or 2.0, not {'.'.join(map(str, version))}")
            shape, columns_first, dtype = _READERS[version](stream)
    except Exception as error:
        # The header is a Python literal, and a damaged one can fail in any way that a literal can.
        raise ValueError(f"{what} must have a .npy header: {str(error).splitlines()[0][:200]}") from None
    return dtype, shape, columns_first, stream.read()


def npy_array(data: bytes, what: str) -> npt.NDArray[Any]:
    """Return the array in the bytes of a ``.npy`` file; ValueError, which begins with ``what``, if it has objects."""
    dtype, shape, columns_first, body = npy_header(data, what)
    # Compared before anything is allocated: a header can claim any size.
    sized = all(type(n) is int and n >= 0 for n in shape) and dtype.itemsize * math.prod(shape) == len(body)
    if dtype.hasobject or not dtype.itemsize or not sized:
        raise ValueError(f"{what} must hold {dtype} of shape {shape}, not {len(body)} bytes")
    return np.frombuffer(body, dtype=dtype).reshape(shape, order="F" if columns_first else "C")
