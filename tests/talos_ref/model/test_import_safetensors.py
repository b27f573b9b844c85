"""Safetensors files: every float type, names and metadata, and files that are not right."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save as to_bytes

from talos_ref.model.checkpoint import DEFAULT_PATH, Checkpoint
from talos_ref.model.import_safetensors import load_safetensors

METADATA = {"alphabet": "xyz é", "n_head": "3"}


def raw(tensors: dict[str, tuple[str, list[int], bytes]], metadata: Any = None) -> bytes:
    """Return a safetensors file of any content, written by hand."""
    header: dict[str, Any] = {} if metadata is None else {"__metadata__": metadata}
    body = b""
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats(dtype: Any, small_checkpoint: Checkpoint, tmp_path: Path) -> None:
    arrays = {f"transformer.{name}.weight": tensor.astype(dtype) for name, tensor in small_checkpoint.tensors.items()}
    path = write(tmp_path / "a.safetensors", to_bytes(arrays, METADATA))
    found = load_safetensors(path)
    assert found.config == small_checkpoint.config
    for name, tensor in found.tensors.items():
        assert tensor.tobytes() == arrays[f"transformer.{name}.weight"].astype("<f4").tobytes(), name
    if dtype != np.float16:
        assert found == small_checkpoint


def test_bfloat16(small_checkpoint: Checkpoint, tmp_path: Path) -> None:
    halves = {name: (tensor.view("<u4") >> 16).astype("<u2") for name, tensor in small_checkpoint.tensors.items()}
    tensors = {name: ("BF16", list(half.shape), half.tobytes()) for name, half in halves.items()}
    found = load_safetensors(write(tmp_path / "a.safetensors", raw(tensors, METADATA)))
    for name, tensor in found.tensors.items():
        assert (tensor.view("<u4") >> 16).astype("<u2").tobytes() == halves[name].tobytes(), name
        assert not (tensor.view("<u4") & 0xFFFF).any()
        # A bfloat16 keeps 8 bits of the fraction, here truncated.
        np.testing.assert_allclose(tensor, small_checkpoint.tensors[name], rtol=2**-7)


def test_what_is_given_goes_before_the_metadata(small_checkpoint: Checkpoint, tmp_path: Path) -> None:
    tensors = {name: np.array(tensor) for name, tensor in small_checkpoint.tensors.items()}
    path = write(tmp_path / "a.safetensors", to_bytes(tensors, METADATA | {"format": "pt", "block_size": "7"}))
    assert load_safetensors(path, n_head=4, alphabet="abcde").config.n_head == 4
    assert load_safetensors(path, n_head=4, alphabet="abcde").config.alphabet == "abcde"
    path.write_bytes(to_bytes(tensors))
    with pytest.raises(ValueError, match=r"must be given: --n-head N, a divisor of n_embd \(12\); --alphabet"):
        load_safetensors(path)
    path.write_bytes(to_bytes(tensors, METADATA | {"n_head": "three"}))
    with pytest.raises(ValueError, match=r"n_head must be an integer in the metadata, not 'three'$"):
        load_safetensors(path)
    path.write_bytes(to_bytes(tensors, METADATA | {"block_size": "9"}))
    with pytest.raises(ValueError, match=r"block_size must be 7, as the tensors have it, not 9$"):
        load_safetensors(path)


def test_the_published_shapes_need_nothing(checkpoint: Checkpoint, tmp_path: Path) -> None:
    tensors = {name: np.array(tensor) for name, tensor in checkpoint.tensors.items()}
    assert load_safetensors(write(tmp_path / "a.safetensors", to_bytes(tensors))) == checkpoint


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is an empty file; make or copy it again"),
        (b"ada\nbob\n", "it is plain text; train on a word list: python -m talos_ref train"),
        (DEFAULT_PATH.read_bytes(), "it is a checkpoint of this project; give it as --weights"),
        (to_bytes({"wte": np.zeros((3, 4))})[:-1], "it is damaged ("),
        (raw({"wte": ("I64", [1, 1], bytes(8))}), "'wte' must be F64, F32, F16 or BF16, not I64"),
        (raw({"wte": ("F32", [4], bytes(16))}), "'wte' must have two dimensions, not shape (4,)"),
        (raw({"wte": ("F32", [1 << 40, 1 << 40], bytes(16))}), "it is damaged ("),
        (raw({"wte": ("F32", [2, 4], bytes(16))}), "it is damaged ("),
        (b"\x16\0\0\0\0\0\0\0" + b'{"__metadata__": null}', "its tensors must be those of a microGPT: missing wte"),
        (raw({}), "its tensors must be those of a microGPT: missing wte, wpe, lm_head, layer0.wq, layer0.wk and"),
        (b"\xff" * 8 + b"{}", "it is a file of an unknown kind"),
    ],
)
def test_refused_files(content: bytes, message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.safetensors", content)
    with pytest.raises(ValueError, match=r"a\.safetensors is not a usable safetensors file: ") as caught:
        load_safetensors(path)
    assert str(caught.value).startswith(f"{path} is not a usable safetensors file: {message}")


def test_too_large_and_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.safetensors", to_bytes({"wte": np.zeros((30, 40))}))
    monkeypatch.setattr("talos_ref.model.import_safetensors.MAX_BYTES", 1000)
    with pytest.raises(ValueError, match=r"it must have at most 1000 bytes$"):
        load_safetensors(path)
    with pytest.raises(FileNotFoundError):
        load_safetensors(tmp_path / "none")


def test_damaged_files(small_checkpoint: Checkpoint, tmp_path: Path) -> None:
    tensors = {name: np.array(tensor) for name, tensor in small_checkpoint.tensors.items()}
    whole = to_bytes(tensors, METADATA)
    path, rng = tmp_path / "a.safetensors", random.Random(4)
    refused = read = 0
    for _ in range(300):
        damaged = bytearray(whole)
        # The weights themselves are not protected by this format; its header is aimed at.
        damaged[rng.randrange(1000)] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        try:
            load_safetensors(path)
        except ValueError as error:
            refused += str(error).startswith(str(path))
        else:
            read += 1
    assert refused + read == 300
    assert refused > 200
