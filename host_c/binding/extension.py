"""The compiled library: its functions, its errors as exceptions, and what it can compute."""

from __future__ import annotations

from talos_ref.golden.arithmetic import ARITHMETIC_NUMBERS

try:
    from host_c.binding._talos import ffi, lib
except ImportError as error:
    raise ImportError(f"host_c's extension must be built first, with `python -m host_c.build` ({error})") from None

__all__ = ["ARITHMETICS", "TalosError", "arithmetic_number", "check", "ffi", "kernels", "lib"]

ARITHMETICS = {
    name: number for name, number in ARITHMETIC_NUMBERS.items() if lib.talos_kernel_name(number, 0) != ffi.NULL
}
"""Arithmetics that the library has kernels for: name -> number; ``float`` is float32 here."""

_VALUE_ERRORS = {
    lib.TALOS_BAD_ARGUMENT, lib.TALOS_BAD_MAGIC, lib.TALOS_BAD_VERSION, lib.TALOS_BAD_WORD, lib.TALOS_BAD_DIMENSIONS,
    lib.TALOS_BAD_LENGTH, lib.TALOS_BAD_CHECKSUM, lib.TALOS_BAD_WEIGHTS, lib.TALOS_BAD_TEMPERATURE,
    lib.TALOS_BAD_SEED, lib.TALOS_BUFFER_TOO_SMALL,
}  # fmt: skip


class TalosError(RuntimeError):
    """A failure that no argument explains, such as a kernel that this CPU or this model does not have."""


def check(status: int, subject: str) -> None:
    """Raise what a status means: ValueError, OSError, MemoryError or TalosError."""
    if status == lib.TALOS_OK:
        return
    message = f"{subject}: {ffi.string(lib.talos_status_message(status)).decode()}"
    if status in _VALUE_ERRORS:
        raise ValueError(message)
    if status == lib.TALOS_IO_ERROR:
        raise OSError(message)
    if status == lib.TALOS_NO_MEMORY:
        raise MemoryError(message)
    raise TalosError(message)


def arithmetic_number(name: str) -> int:
    """Return the number of an arithmetic; ValueError if the library does not have it."""
    if name not in ARITHMETICS:
        raise ValueError(f"arithmetic must be one of {', '.join(sorted(ARITHMETICS))}, not {name!r}")
    return ARITHMETICS[name]


def kernels(arithmetic: str) -> list[str]:
    """Return the kernels of an arithmetic that this CPU can run, fastest first."""
    number, found, index = arithmetic_number(arithmetic), list[str](), 0
    while (name := lib.talos_kernel_name(number, index)) != ffi.NULL:
        if lib.talos_kernel_available(number, index):
            found.append(ffi.string(name).decode())
        index += 1
    return found
