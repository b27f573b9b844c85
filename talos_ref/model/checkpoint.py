"""Checkpoints: float32 weights and the model they belong to, in one file without pickle."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from talos_ref.files import write_bytes
from talos_ref.golden.format import Q4_12, Format
from talos_ref.model.config import ModelConfig
from talos_ref.model.file_kind import CHECKPOINT, file_kind
from talos_ref.model.npy import npy_array

__all__ = [
    "Checkpoint",
    "DEFAULT_PATH",
    "weights_path",
    "save",
    "load",
    "default_checkpoint",
    "quantise",
    "words_sha256",
]

DEFAULT_PATH = Path(__file__).resolve().parents[2] / "weights" / "microgpt.npz"
"""The committed checkpoint: the published recipe, trained by `talos_ref.model.train`."""

_KIND, _VERSION = "microgpt-checkpoint", 1
_MODEL = "model"
_MODEL_BYTES = 1 << 16
_MAX_BYTES = 1 << 26
"""Largest file that is read: the largest model has 13 million parameters."""


@dataclasses.dataclass(frozen=True, eq=False)
class Checkpoint:
    """Weights of one model; the arrays are read-only copies, in the order of ``config.shapes()``.

    Two are equal if their digests are: same dimensions, same alphabet, same bits.

    Raises
    ------
    TypeError
        If ``config`` is no ModelConfig, or a tensor is not a float32 array.
    ValueError
        If a tensor is missing, unknown, of a wrong shape, or not finite.
    """

    config: ModelConfig
    """Dimensions and alphabet."""
    tensors: Mapping[str, npt.NDArray[np.float32]]
    """Tensor name -> float32 [rows, columns]."""

    def __post_init__(self) -> None:
        if not isinstance(self.config, ModelConfig):
            raise TypeError(f"config must be a ModelConfig, not {self.config!r}")
        shapes = self.config.shapes()
        if missing := [name for name in shapes if name not in self.tensors]:
            raise ValueError(f"tensors must include {missing[0]!r} {shapes[missing[0]]}")
        if unknown := [name for name in self.tensors if name not in shapes]:
            raise ValueError(f"tensors must be {', '.join(shapes)} only, not {unknown[0]!r}")
        for name, shape in shapes.items():
            tensor = self.tensors[name]
            if not isinstance(tensor, np.ndarray) or tensor.dtype != np.float32:
                raise TypeError(f"tensor {name!r} must be float32, not {getattr(tensor, 'dtype', type(tensor))}")
            if tensor.shape != shape:
                raise ValueError(f"tensor {name!r} must have shape {shape}, not {tensor.shape}")
            if not np.isfinite(tensor).all():
                row, column = np.argwhere(~np.isfinite(tensor))[0]
                raise ValueError(f"tensor {name!r} must be finite, not {tensor[row, column]} at [{row}, {column}]")
        frozen = {name: np.array(self.tensors[name], dtype=np.float32, order="C") for name in shapes}
        for tensor in frozen.values():
            tensor.flags.writeable = False
        object.__setattr__(self, "tensors", frozen)

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the config as sorted JSON and of all tensors in order, little-endian float32."""
        digest = hashlib.sha256(json.dumps(dataclasses.asdict(self.config), sort_keys=True).encode("ascii"))
        for tensor in self.tensors.values():
            digest.update(tensor.astype("<f4").tobytes())
        return digest.hexdigest()

    @property
    def size(self) -> int:
        """Parameters of the model."""
        return sum(tensor.size for tensor in self.tensors.values())

    def __eq__(self, other: object) -> bool:
        return self.digest == other.digest if isinstance(other, Checkpoint) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)


def _npy(array: npt.NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version=(1, 0), allow_pickle=False)
    return stream.getvalue()


def save(checkpoint: Checkpoint, path: str | Path) -> Path:
    """Write a checkpoint: a stored zip of ``model.npy`` (JSON as bytes) and one little-endian ``.npy`` a tensor.

    Equal checkpoints give equal bytes, and ``numpy.load(path, allow_pickle=False)`` reads the file. Raises OSError if
    ``path`` cannot be written, and leaves nothing half-written.
    """
    model = {"kind": _KIND, "version": _VERSION, "config": dataclasses.asdict(checkpoint.config)}
    members = {_MODEL: np.frombuffer(json.dumps(model, sort_keys=True).encode("ascii"), dtype=np.uint8)}
    members |= {name: tensor.astype("<f4") for name, tensor in checkpoint.tensors.items()}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, array in members.items():
            info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system = 3
            info.external_attr = 0o644 << 16
            archive.writestr(info, _npy(array))
    return write_bytes(path, stream.getvalue())


def _read_member(archive: zipfile.ZipFile, name: str, limit: int) -> npt.NDArray[Any]:
    info = archive.getinfo(f"{name}.npy")
    # A compressed member could unpack to any size; the limit is what the model needs, and a header.
    if info.file_size > limit + 1024:
        raise ValueError(f"member {name!r} must have at most {limit} bytes of data, not {info.file_size}")
    return npy_array(archive.read(info), f"member {name!r}")


def _read_config(archive: zipfile.ZipFile) -> ModelConfig:
    model = json.loads(_read_member(archive, _MODEL, _MODEL_BYTES).tobytes())
    if not isinstance(model, dict) or model.get("kind") != _KIND:
        raise ValueError(f"member {_MODEL!r} must be of kind {_KIND!r}")
    if model.get("version") != _VERSION:
        raise ValueError(f"version must be {_VERSION}, not {model.get('version')!r}; train it again with this release")
    fields = {field.name for field in dataclasses.fields(ModelConfig)}
    if not isinstance(model.get("config"), dict) or set(model["config"]) != fields:
        raise ValueError(f"config must have exactly the fields {', '.join(sorted(fields))}")
    return ModelConfig(**model["config"])


def _read(data: bytes) -> Checkpoint:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        if f"{_MODEL}.npy" not in names:
            raise zipfile.BadZipFile(f"it has no member {_MODEL!r}")
        config = _read_config(archive)
        shapes = config.shapes()
        if len(set(names)) != len(names):
            raise ValueError("no member may appear twice")
        tensors = {}
        for name in (entry.removesuffix(".npy") for entry in names):
            if name in shapes:
                rows, columns = shapes[name]
                tensors[name] = _read_member(archive, name, 4 * rows * columns)
            elif name != _MODEL:
                raise ValueError(f"tensors must be {', '.join(shapes)} only, not {name!r}")
        return Checkpoint(config, tensors)


def load(path: str | Path, config: ModelConfig | None = None) -> Checkpoint:
    """Return the checkpoint in a file that `save` wrote, checked as `Checkpoint` is.

    Raises OSError if the file cannot be read, and ValueError, naming it, if it is of another kind (which is said, and
    the command that imports it), truncated or damaged, of another version, of a model other than ``config`` (where
    given), or holds tensors that do not fit.
    """
    with open(path, "rb") as stream:
        data = stream.read(_MAX_BYTES + 1)
    try:
        if len(data) > _MAX_BYTES:
            raise ValueError(f"it must have at most {_MAX_BYTES} bytes")
        checkpoint = _read(data)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"{path} is not a usable checkpoint: {error}") from None
    except Exception as error:
        # A damaged zip fails in any way that its parts and its compressions have.
        kind = file_kind(data)
        reason = f"it is damaged ({error})" if kind == CHECKPOINT else f"it is {kind}"
        raise ValueError(f"{path} is not a checkpoint: {reason}") from None
    if config is not None and checkpoint.config != config:
        wanted, found = dataclasses.asdict(config), dataclasses.asdict(checkpoint.config)
        name = next(name for name in wanted if wanted[name] != found[name])
        raise ValueError(f"{path} is of another model: {name} must be {wanted[name]!r}, not {found[name]!r}")
    return checkpoint


def weights_path(option: str | None = None) -> Path:
    """Return the file that ``--weights`` names, else ``$TALOS_WEIGHTS``, else the committed checkpoint.

    Raises ValueError if the option is empty, and FileNotFoundError if the variable names no file.
    """
    if option is not None:
        if not option:
            raise ValueError("weights must name a file, not ''; leave --weights out for the committed checkpoint")
        return Path(option)
    if not (given := os.environ.get("TALOS_WEIGHTS")):
        return DEFAULT_PATH
    if not Path(given).exists():
        raise FileNotFoundError(f"TALOS_WEIGHTS must name a checkpoint, not {given!r}: there is no such file")
    return Path(given)


def default_checkpoint() -> Checkpoint:
    """Return the committed checkpoint, the published microGPT: 4,192 parameters."""
    return load(DEFAULT_PATH)


def quantise(checkpoint: Checkpoint, format: Format = Q4_12) -> dict[str, npt.NDArray[Any]]:
    """Return tensor name -> words, ``clip(round_half_even(w · 2^fraction))`` of each float32 value.

    Words are int16 up to 16 bits and int32 above. Raises ValueError if the format is not a signed one of at most 32.
    """
    if format.width > 32 or not format.signed:
        raise ValueError(f"format must be signed and at most 32 bits wide, not {format}")
    scale, dtype = 1 << format.fraction, np.int16 if format.width <= 16 else np.int32
    return {
        name: np.clip(np.rint(tensor.astype(np.float64) * scale), format.low, format.high).astype(dtype)
        for name, tensor in checkpoint.tensors.items()
    }


def words_sha256(quantised: Mapping[str, npt.NDArray[Any]], config: ModelConfig) -> str:
    """Return the SHA-256 (hex) of all words in the order of ``config.shapes()``: little-endian, 2 or 4 bytes each."""
    digest = hashlib.sha256()
    for name in config.shapes():
        words = quantised[name]
        digest.update(words.astype(words.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()
