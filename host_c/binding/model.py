"""Models and streams of the C library, and names straight into NumPy arrays.

The interpreter lock is released during every call, and arrays are passed without copying.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from host_c.binding.extension import arithmetic_number, check, ffi, lib
from host_c.binding.model_file import model_bytes, read_header
from talos_ref.golden.arithmetic import Arithmetic
from talos_ref.golden.arithmetic import arithmetic as golden_arithmetic
from talos_ref.golden.format import Q4_12, Format
from talos_ref.model.checkpoint import Checkpoint

__all__ = ["Design", "Model", "Step", "Stream"]


@runtime_checkable
class Design(Protocol):
    """Weights together with what computes them, as `hdl.design.Design`."""

    @property
    def checkpoint(self) -> Checkpoint:
        """Float32 weights and alphabet."""

    @property
    def word(self) -> Format:
        """Format of weights and stored activations."""

    @property
    def arithmetic(self) -> Arithmetic:
        """What every unit computes."""


def _integer(name: str, value: int, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, not {value!r}")
    if not low <= value <= high:
        raise ValueError(f"{name} must be {low} to {high}, not {value!r}")
    return value


@dataclass(frozen=True)
class Step:
    """One step; ``rng`` is the state after it."""

    pos: int
    token_in: int
    token_out: int
    argmax: int
    rng: int


class Model:
    """A model under one arithmetic, run by one kernel; shared by any number of streams and threads.

    Parameters
    ----------
    source
        A checkpoint, a design, the bytes of a model file, or the path of one.
    arithmetic
        ``float`` (float32), ``precise`` or ``talos-v2``; None for the arithmetic of a design.
    kernel
        One of ``kernels(arithmetic)``; None for the fastest that suits the model.
    word
        Format of a checkpoint's weights and activations, Q4.12 if None; ``float`` has no use for it. A design and a
        model file bring their own.

    Raises
    ------
    TypeError
        If the source is of another kind, or None is given where the source does not bring an answer.
    ValueError
        If the file is damaged or of another kind, its alphabet is none, the kernel unknown, the word none that the
        arithmetic takes, or a word given where the source brings one.
    TalosError
        If the kernel cannot run the model, or this CPU not the kernel.
    OSError
        If the file cannot be read.
    """

    def __init__(
        self,
        source: Checkpoint | Design | bytes | str | Path,
        arithmetic: str | None = None,
        kernel: str | None = None,
        *,
        word: Format | None = None,
    ) -> None:
        if not isinstance(source, Checkpoint):
            if word is not None:
                raise ValueError(f"word must be None where the source brings its own, not {word}")
            if isinstance(source, Design):
                arithmetic = source.arithmetic.name if arithmetic is None else arithmetic
                word, source = source.word, source.checkpoint
        if arithmetic is None:
            raise TypeError("arithmetic must be given, since a checkpoint or a model file has none")
        number, pointer = arithmetic_number(arithmetic), ffi.new("talos_model **")
        name = ffi.NULL if kernel is None else ffi.new("char[]", kernel.encode())
        if isinstance(source, (str, Path)):
            status, subject = lib.talos_model_open(str(source).encode(), number, name, pointer), f"model {source}"
        else:
            if isinstance(source, Checkpoint):
                source = model_bytes(source, Q4_12 if word is None else word)
            if not isinstance(source, bytes):
                raise TypeError(f"source must be a Checkpoint, a design, bytes or a path, not {source!r}")
            subject = "model"
            status = lib.talos_model_load(ffi.from_buffer(source), len(source), number, name, pointer)
        # At once, so that whatever fails from here on gives the model back.
        self.pointer = ffi.gc(pointer[0], lib.talos_model_free)
        self.arithmetic = arithmetic
        if status in (lib.TALOS_OK, lib.TALOS_UNSUPPORTED):
            with io.BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb") as file:
                self.config, self.word = read_header(file)
        if status == lib.TALOS_UNSUPPORTED and arithmetic != "float":
            # The golden arithmetic says which dimension or word it does not take.
            golden_arithmetic(arithmetic, self.config, self.word)
        check(status, subject)

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
        """Return the logits of the last step as words [vocab]; TalosError in float arithmetic."""
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
