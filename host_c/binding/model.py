"""Python binding of talos.h: models, streams, and names straight into NumPy arrays.

The interpreter lock is released during every call, and arrays are passed without copying.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host_c.binding.model_file import model_bytes, read_config
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig

try:
    from host_c.binding._talos import ffi, lib
except ImportError as error:
    raise ImportError(f"host_c's extension must be built first, with `python -m host_c.build` ({error})") from None

__all__ = ["ARITHMETICS", "Model", "Step", "Stream", "TalosError", "check", "ffi", "kernels", "lib"]

ARITHMETICS = {"float": lib.TALOS_FP32, "precise": lib.TALOS_PRECISE, "talos-v2": lib.TALOS_V2}
"""Arithmetic name -> number; `float` is float32 here."""

_VALUE_ERRORS = {
    lib.TALOS_BAD_ARGUMENT, lib.TALOS_BAD_MAGIC, lib.TALOS_BAD_VERSION, lib.TALOS_BAD_DIMENSIONS, lib.TALOS_BAD_LENGTH,
    lib.TALOS_BAD_CHECKSUM, lib.TALOS_BAD_WEIGHTS, lib.TALOS_BAD_TEMPERATURE, lib.TALOS_BAD_SEED,
    lib.TALOS_BUFFER_TOO_SMALL,
}  # fmt: skip


class TalosError(RuntimeError):
    """A failure that no argument explains: an unsupported kernel, or a lack of memory."""


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


def _arithmetic(name: str) -> int:
    if name not in ARITHMETICS:
        raise ValueError(f"arithmetic must be one of {', '.join(ARITHMETICS)}, not {name!r}")
    return int(ARITHMETICS[name])


def _integer(name: str, value: int, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, not {value!r}")
    if not low <= value <= high:
        raise ValueError(f"{name} must be {low} to {high}, not {value!r}")
    return value


def kernels(arithmetic: str) -> list[str]:
    """Return the kernels of an arithmetic that this CPU can run, fastest first."""
    number, found, index = _arithmetic(arithmetic), list[str](), 0
    while (name := lib.talos_kernel_name(number, index)) != ffi.NULL:
        if lib.talos_kernel_available(number, index):
            found.append(ffi.string(name).decode())
        index += 1
    return found


@dataclass(frozen=True)
class Step:
    """One step; ``rng`` is the state after it."""

    pos: int
    token_in: int
    token_out: int
    argmax: int
    rng: int


def _config(source: Checkpoint | bytes | str | Path) -> ModelConfig:
    if isinstance(source, Checkpoint):
        return source.config
    with io.BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb") as file:
        return read_config(file)


class Model:
    """A model under one arithmetic, run by one kernel; shared by any number of streams and threads.

    Parameters
    ----------
    source
        A checkpoint, the bytes of a model file, or the path of one.
    arithmetic
        ``float`` (float32), ``precise`` or ``talos-v2``.
    kernel
        One of ``kernels(arithmetic)``; None for the fastest that suits the model.

    Raises
    ------
    ValueError
        If the file is damaged or of another kind, its alphabet is none, or the kernel unknown.
    TalosError
        If the arithmetic or the kernel cannot run the model.
    OSError
        If the file cannot be read.
    """

    def __init__(self, source: Checkpoint | bytes | str | Path, arithmetic: str, kernel: str | None = None) -> None:
        number, pointer = _arithmetic(arithmetic), ffi.new("talos_model **")
        name = ffi.NULL if kernel is None else ffi.new("char[]", kernel.encode())
        if isinstance(source, (str, Path)):
            check(lib.talos_model_open(str(source).encode(), number, name, pointer), f"model {source}")
        else:
            data = model_bytes(source) if isinstance(source, Checkpoint) else source
            if not isinstance(data, bytes):
                raise TypeError(f"source must be a Checkpoint, bytes or a path, not {source!r}")
            check(lib.talos_model_load(ffi.from_buffer(data), len(data), number, name, pointer), "model")
        self.pointer = ffi.gc(pointer[0], lib.talos_model_free)
        self.arithmetic = arithmetic
        self.config = _config(source)

    @property
    def kernel(self) -> str:
        """Name of the kernel in use."""
        return str(ffi.string(lib.talos_model_kernel(self.pointer)).decode())

    def stream(self, seed: int, temperature: float) -> Stream:
        """Return a stream at the start of a name; ValueError for a seed or a temperature out of range."""
        return Stream(self, seed, temperature)

    def generate_many(
        self, seeds: Sequence[int] | npt.NDArray[np.uint32], temperature: float, threads: int = 1
    ) -> npt.NDArray[np.uint8]:
        """Return one name a seed: uint8 [name, block_size], letters and then BOS to the end of the row.

        ``threads`` 0 means one a core. The result does not depend on it.
        """
        tokens, _ = self.generate_counted(seeds, temperature, threads)
        return tokens

    def generate_counted(
        self, seeds: Sequence[int] | npt.NDArray[np.uint32], temperature: float, threads: int = 1
    ) -> tuple[npt.NDArray[np.uint8], int]:
        """Return the names of ``generate_many`` and the steps they took."""
        if not isinstance(seeds, np.ndarray):
            seeds = np.array([_integer("seed", seed, 1, 0xFFFFFFFF) for seed in seeds], dtype=np.uint32)
        if seeds.dtype != np.uint32 or seeds.ndim != 1:
            raise TypeError(f"seeds must be a one-dimensional uint32 array, not {seeds.dtype} {seeds.shape}")
        _integer("threads", threads, 0, 256)
        given = np.ascontiguousarray(seeds)
        tokens = np.empty((len(given), self.config.block_size), dtype=np.uint8)
        steps = ffi.new("uint64_t *")
        status = lib.talos_generate_many(
            self.pointer, ffi.from_buffer("uint32_t[]", given), len(given), float(temperature), threads,
            ffi.from_buffer("uint8_t[]", tokens, require_writable=True), tokens.size, steps,
        )  # fmt: skip
        check(status, f"names at temperature {temperature!r}")
        return tokens, int(steps[0])


class Stream:
    """A random state and a place in a name; used by one thread at a time. It keeps its model alive."""

    def __init__(self, model: Model, seed: int, temperature: float) -> None:
        if not isinstance(temperature, (int, float)) or isinstance(temperature, bool):
            raise TypeError(f"temperature must be a number, not {temperature!r}")
        _integer("seed", seed, 1, 0xFFFFFFFF)
        pointer = ffi.new("talos_stream **")
        status = lib.talos_stream_create(model.pointer, seed, float(temperature), pointer)
        check(status, f"stream with seed {seed!r} and temperature {temperature!r}")
        self.model = model
        self.pointer = ffi.gc(pointer[0], lib.talos_stream_free)
        self._result: Any = ffi.new("talos_step_result *")

    @property
    def rng(self) -> int:
        """Random state."""
        state = ffi.new("uint32_t *")
        check(lib.talos_stream_rng(self.pointer, state), "stream")
        return int(state[0])

    def reset(self, seed: int) -> None:
        """Begin a new name with a seed."""
        _integer("seed", seed, 1, 0xFFFFFFFF)
        check(lib.talos_stream_reset(self.pointer, seed), f"seed {seed!r}")

    def _step(self) -> Step:
        r = self._result
        return Step(int(r.position), int(r.token_in), int(r.token_out), int(r.argmax), int(r.rng))

    def next(self) -> Step:
        """Step on the stream's own last token; a new name begins after BOS or the last letter."""
        check(lib.talos_stream_next(self.pointer, self._result), "stream")
        return self._step()

    def force(self, token: int) -> Step:
        """Step with a given input token at the next position."""
        _integer("token", token, 0, self.model.config.vocab_size - 1)
        check(lib.talos_stream_force(self.pointer, token, self._result), f"token {token!r}")
        return self._step()

    def logits(self) -> npt.NDArray[np.float32]:
        """Return the logits of the last step, real numbers [vocab]; ValueError before the first."""
        out = np.empty(self.model.config.vocab_size, dtype=np.float32)
        check(lib.talos_stream_logits(self.pointer, ffi.from_buffer("float[]", out), out.size), "logits")
        return out

    def words(self) -> npt.NDArray[np.int32]:
        """Return the logits of the last step as Q4.12 integers [vocab]; TalosError in float arithmetic."""
        out = np.empty(self.model.config.vocab_size, dtype=np.int32)
        check(lib.talos_stream_words(self.pointer, ffi.from_buffer("int32_t[]", out), out.size), "words")
        return out

    def generate(self, names: int) -> tuple[npt.NDArray[np.uint8], int]:
        """Return ``names`` names one after the other, each ended by BOS, and the steps they took."""
        _integer("names", names, 0, 1 << 30)
        tokens = np.empty(names * self.model.config.block_size, dtype=np.uint8)
        written, steps = ffi.new("size_t *"), ffi.new("uint64_t *")
        buffer = ffi.from_buffer("uint8_t[]", tokens)
        check(lib.talos_generate(self.pointer, names, buffer, tokens.size, written, steps), f"{names} names")
        return tokens[: written[0]], int(steps[0])
