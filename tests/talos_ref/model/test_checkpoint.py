"""Checkpoint files: what is written comes back bit for bit, and nothing else is taken for one."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save as safetensors

from talos_ref.golden.format import Q4_12, Q5_12, Q6_12, Format
from talos_ref.model.checkpoint import (
    DEFAULT_PATH,
    Checkpoint,
    load,
    quantise,
    save,
    weights_path,
    words_sha256,
)
from talos_ref.model.config import MICROGPT, ModelConfig

TINY = ModelConfig(alphabet="ab", block_size=3, n_embd=4, n_head=2, mlp_dim=5)


def tiny_tensors() -> dict[str, Any]:
    rng = np.random.default_rng(1)
    return {name: rng.normal(0, 1, shape).astype(np.float32) for name, shape in TINY.shapes().items()}


def model_bytes(**changes: Any) -> Any:
    model = {"kind": "microgpt-checkpoint", "version": 1, "config": dataclasses.asdict(TINY)} | changes
    return np.frombuffer(json.dumps(model).encode(), dtype=np.uint8)


def test_round_trip(small_checkpoint: Checkpoint, tmp_path: Path) -> None:
    path = save(small_checkpoint, tmp_path / "a.npz")
    assert load(path) == load(path, small_checkpoint.config) == small_checkpoint
    for name, tensor in small_checkpoint.tensors.items():
        assert load(path).tensors[name].tobytes() == tensor.tobytes(), name
    assert save(load(path), tmp_path / "b.npz").read_bytes() == path.read_bytes()
    with np.load(path, allow_pickle=False) as archive:
        assert archive["wte"].dtype == np.dtype("<f4")
        assert json.loads(archive["model"].tobytes())["config"] == dataclasses.asdict(small_checkpoint.config)


def test_file_is_readable_as_the_umask_says(tmp_path: Path) -> None:
    path = save(Checkpoint(TINY, tiny_tensors()), tmp_path / "a.npz")
    (tmp_path / "plain").touch()
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_committed_file_is_what_save_writes(checkpoint: Checkpoint, tmp_path: Path) -> None:
    assert sum(tensor.size for tensor in checkpoint.tensors.values()) == 4192
    assert save(checkpoint, tmp_path / "again.npz").read_bytes() == DEFAULT_PATH.read_bytes()


def test_tensors_are_ordered_copies_and_read_only() -> None:
    tensors = tiny_tensors()
    checkpoint = Checkpoint(TINY, dict(reversed(tensors.items())))
    assert list(checkpoint.tensors) == list(TINY.shapes())
    kept = checkpoint.tensors["wte"][0, 0]
    tensors["wte"][0, 0] += 1
    assert checkpoint.tensors["wte"][0, 0] == kept
    with pytest.raises(ValueError, match=r"read-only"):
        checkpoint.tensors["wte"][0, 0] = 0


def test_digest_is_of_config_and_little_endian_float32() -> None:
    tensors = tiny_tensors()
    text = b'{"alphabet": "ab", "block_size": 3, "mlp_dim": 5, "n_embd": 4, "n_head": 2, "n_layer": 1}'
    data = b"".join(tensors[name].astype("<f4").tobytes() for name in TINY.shapes())
    assert Checkpoint(TINY, tensors).digest == hashlib.sha256(text + data).hexdigest()


def test_equality_is_of_every_bit(tmp_path: Path) -> None:
    tensors = tiny_tensors()
    one = Checkpoint(TINY, tensors)
    assert one == load(save(one, tmp_path / "a.npz"))
    assert hash(one) == hash(Checkpoint(TINY, dict(reversed(tensors.items()))))
    assert one != Checkpoint(dataclasses.replace(TINY, alphabet="ba"), tensors)
    tensors["wpe"] = np.nextafter(tensors["wpe"], np.float32(9))
    assert one != Checkpoint(TINY, tensors)
    assert one != one.digest
    assert len({one, Checkpoint(TINY, tiny_tensors()), Checkpoint(TINY, tensors)}) == 2


def test_weights_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TALOS_WEIGHTS", raising=False)
    assert weights_path() == DEFAULT_PATH
    assert weights_path("a.npz") == Path("a.npz")
    monkeypatch.setenv("TALOS_WEIGHTS", "")
    assert weights_path(None) == DEFAULT_PATH
    monkeypatch.setenv("TALOS_WEIGHTS", str(DEFAULT_PATH.parent / "microgpt.npz"))
    assert weights_path(None) == DEFAULT_PATH
    assert weights_path("a.npz") == Path("a.npz")
    monkeypatch.setenv("TALOS_WEIGHTS", "none.npz")
    message = r"^TALOS_WEIGHTS must name a checkpoint, not 'none\.npz': there is no such file$"
    with pytest.raises(FileNotFoundError, match=message):
        weights_path()
    with pytest.raises(ValueError, match=r"^weights must name a file, not ''; leave --weights out for the committed"):
        weights_path("")


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        (ValueError, {"layer0.wo": None}, r"tensors must include 'layer0\.wo' \(4, 4\)"),
        (ValueError, {"extra": np.zeros((1, 1), np.float32)}, "tensors must be wte, .* only, not 'extra'"),
        (ValueError, {"wpe": np.zeros((4, 4), np.float32)}, r"tensor 'wpe' must have shape \(3, 4\), not \(4, 4\)"),
        (ValueError, {"wpe": np.zeros(12, np.float32)}, r"tensor 'wpe' must have shape \(3, 4\), not \(12,\)"),
        (TypeError, {"wpe": np.zeros((3, 4))}, "tensor 'wpe' must be float32, not float64"),
        (TypeError, {"wpe": np.zeros((3, 4), np.int16)}, "tensor 'wpe' must be float32, not int16"),
        (ValueError, {"wpe": np.full((3, 4), np.nan, np.float32)}, r"tensor 'wpe' must be finite, not nan at \[0, 0\]"),
        (ValueError, {"lm_head": np.diag(np.array([0, 0, -np.inf, 0], np.float32))[:3]}, r"not -inf at \[2, 2\]"),
    ],
    ids=["missing", "extra", "shape", "flat", "double", "integer", "nan", "infinite"],
)
def test_refused_tensors(kind: type[Exception], change: dict[str, Any], message: str, tmp_path: Path) -> None:
    tensors = {name: array for name, array in (tiny_tensors() | change).items() if array is not None}
    with pytest.raises(kind, match=message):
        Checkpoint(TINY, tensors)
    path = tmp_path / "bad.npz"
    np.savez(path, allow_pickle=False, model=model_bytes(), **tensors)
    with pytest.raises(ValueError, match=f"bad.npz is not a usable checkpoint: .*{message}"):
        load(path)


def test_config_must_be_one() -> None:
    with pytest.raises(TypeError, match=r"^config must be a ModelConfig, not \{\}$"):
        Checkpoint({}, tiny_tensors())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"tensor 'wte' must be float32, not <class 'list'>"):
        Checkpoint(TINY, tiny_tensors() | {"wte": [[0.0]]})


@pytest.mark.parametrize("kept", [0, 1, 4, 100, 9000, -300, -22, -1])
def test_truncated(kept: int, tmp_path: Path) -> None:
    whole = DEFAULT_PATH.read_bytes()
    path = tmp_path / "cut.npz"
    path.write_bytes(whole[: kept if kept >= 0 else len(whole) + kept])
    found = {0: "an empty file", 1: "plain text"}.get(kept, r"a truncated or damaged zip \(File is not a zip file\)")
    with pytest.raises(ValueError, match=rf"cut\.npz is not a checkpoint: it is {found}; "):
        load(path)


def test_damaged_member(tmp_path: Path) -> None:
    whole = DEFAULT_PATH.read_bytes()
    path = tmp_path / "damaged.npz"
    path.write_bytes(whole[:9000] + bytes([whole[9000] ^ 1]) + whole[9001:])
    with pytest.raises(ValueError, match=r"damaged\.npz is not a checkpoint: it is damaged \(Bad CRC-32 for"):
        load(path)


def test_damage_is_never_read_as_weights(tmp_path: Path) -> None:
    good = save(Checkpoint(TINY, tiny_tensors()), tmp_path / "good.npz")
    expected, whole = load(good), good.read_bytes()
    rng = random.Random(3)
    refused = read = 0
    for _ in range(600):
        damaged = bytearray(whole)
        damaged[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        path = tmp_path / "damaged.npz"
        path.write_bytes(damaged)
        try:
            found = load(path)
        except ValueError as error:
            refused += str(error).startswith(str(path))
        else:
            # A flipped bit of a date in the zip changes nothing that is read.
            assert found == expected
            read += 1
    assert refused + read == 600
    assert refused > 300


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_bytes_lost_gained_and_changed(compression: int, tmp_path: Path) -> None:
    expected, path = Checkpoint(TINY, tiny_tensors()), tmp_path / "damaged.npz"
    with zipfile.ZipFile(save(expected, tmp_path / "good.npz")) as archive:
        whole = zipped([(name, archive.read(name)) for name in archive.namelist()], compression)
    path.write_bytes(whole)
    assert load(path) == expected
    rng, refused = random.Random(compression), 0
    for _ in range(150):
        at = rng.randrange(len(whole))
        path.write_bytes(whole[:at] + rng.randbytes(rng.randrange(9)) + whole[at + rng.randrange(9) :])
        try:
            assert load(path) == expected
        except ValueError as error:
            refused += str(error).startswith(str(path))
    assert refused > 100


def test_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(Checkpoint(TINY, tiny_tensors()), tmp_path / "a.npz")
    monkeypatch.setattr("talos_ref.model.checkpoint._MAX_BYTES", 1000)
    with pytest.raises(ValueError, match=r"a\.npz is not a usable checkpoint: it must have at most 1000 bytes$"):
        load(path)


def npy(array: Any, allow_pickle: bool = False) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=allow_pickle)
    return stream.getvalue()


def zipped(members: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return stream.getvalue()


MODEL = ("model.npy", npy(model_bytes()))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name,weight\n", "is not a checkpoint: it is plain text; train on a word list: python -m talos_ref train"),
        (npy(np.zeros(3)), "is not a checkpoint: it is a .npy of NumPy; turn it into .* import-npy SOURCE"),
        (safetensors({"a": np.zeros(3)}), "is not a checkpoint: it is a safetensors file; .* import-safetensors"),
        (zipped([("m/data.pkl", b"")]), "is not a checkpoint: it is a PyTorch file; its pickle is never run; save the"),
        (zipped([("a.npy", b"")]), r"is not a checkpoint: it is an .npz of other arrays \(a\); .* import-npy"),
        (zipped([("readme.txt", b"hello")]), "is not a checkpoint: it is a zip archive without weights$"),
        (zipped([("model.npy", npy(model_bytes(kind="llama")))]), "member 'model' must be of kind 'microgpt-"),
        (zipped([("model.npy", npy(model_bytes(version=2)))]), "version must be 1, not 2; train it again"),
        (zipped([("model.npy", npy(model_bytes(config={"n_embd": 4})))]), "config must have exactly the fields al"),
        (zipped([("model.npy", npy(np.frombuffer(b"[1]", np.uint8)))]), "member 'model' must be of kind"),
        (zipped([("model.npy", npy(np.frombuffer(b"{", np.uint8)))]), "is not a usable checkpoint: Expecting"),
        (
            zipped([("model.npy", npy(model_bytes(config=dataclasses.asdict(TINY) | {"n_head": 3})))]),
            r"n_embd must be a multiple of n_head \(3\), not 4",
        ),
        (zipped([MODEL, ("notes.txt", b"")]), "tensors must be wte, .* only, not 'notes.txt'"),
        (zipped([MODEL, ("wpe.npy", npy(np.zeros((4000, 4), np.float32)))]), "member 'wpe' must have at most 48 bytes"),
        (
            zipped([MODEL, ("wpe.npy", npy(np.zeros(10**6, np.float32)))], zipfile.ZIP_DEFLATED),
            "member 'wpe' must have at most 48 bytes of data",
        ),
        (zipped([MODEL, ("wpe.npy", b"12345678")]), "member 'wpe' must begin as a .npy file does"),
        (zipped([MODEL, ("wpe.npy", npy(np.zeros((3, 4), np.float32)).replace(b"(3, 4), ", b"(-3,-4),"))]),
         "member 'wpe' must hold float32 of shape"),
        (zipped([MODEL, ("wpe.npy", npy(np.zeros((3, 4), np.float32)).replace(b"False", b"(((((("))]),
         "member 'wpe' must have a .npy header: "),
        (zipped([MODEL, ("wpe.npy", npy(np.zeros((3, 4), np.float32)).replace(b"(3, 4)", b"(3L,4)"))]),
         "member 'wpe' must have a .npy header: "),
        (zipped([MODEL, ("wpe.npy", npy(np.array([{}], dtype=object), True))]), "member 'wpe' must hold object"),
        (zipped([MODEL, ("wpe.npy", npy(np.zeros((3, 4), np.float32))[:-4])]), "member 'wpe' must hold float32"),
    ],
)
def test_not_a_checkpoint(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "other.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"other.npz .*{message}"):
        load(path)


def test_a_header_that_claims_terabytes_allocates_nothing(tmp_path: Path) -> None:
    honest = npy(np.zeros((3, 4), np.float32))
    lying = honest.replace(b"(3, 4), }            ", b"(3000000, 4000000), }")
    assert len(lying) == len(honest)
    assert lying != honest
    path = tmp_path / "lying.npz"
    path.write_bytes(zipped([MODEL, ("wpe.npy", lying)]))
    with pytest.raises(ValueError, match=r"must hold float32 of shape \(3000000, 4000000\), not 48 bytes"):
        load(path)


def test_a_member_twice(tmp_path: Path) -> None:
    path = tmp_path / "twice.npz"
    with pytest.warns(UserWarning, match=r"Duplicate name"):
        path.write_bytes(zipped([MODEL, ("wpe.npy", b"a"), ("wpe.npy", b"b")]))
    with pytest.raises(ValueError, match=r"no member may appear twice"):
        load(path)


def test_other_model(tmp_path: Path) -> None:
    path = save(Checkpoint(TINY, tiny_tensors()), tmp_path / "tiny.npz")
    with pytest.raises(ValueError, match=r"tiny\.npz is of another model: alphabet must be 'abc.*', not 'ab'$"):
        load(path, MICROGPT)
    with pytest.raises(ValueError, match=r"is of another model: block_size must be 9, not 3$"):
        load(path, dataclasses.replace(TINY, block_size=9))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.npz"):
        load(tmp_path / "none.npz")


def test_unwritable_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = Checkpoint(TINY, tiny_tensors())
    with pytest.raises(FileNotFoundError, match=r"^cannot write .*/none/a\.npz: No such file or directory; give"):
        save(checkpoint, tmp_path / "none" / "a.npz")
    with pytest.raises(IsADirectoryError, match=r"^cannot write .*: it is a folder; give the name of a file$"):
        save(checkpoint, tmp_path)
    kept = tmp_path / "kept.npz"
    kept.write_bytes(b"before")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match=r"^cannot write .*/kept\.npz: No space left on device$"):
        save(checkpoint, kept)
    assert kept.read_bytes() == b"before"
    assert [p.name for p in tmp_path.iterdir()] == ["kept.npz"]


def test_quantise_rounds_half_to_even_and_clips() -> None:
    tensors = tiny_tensors()
    ulp = 1 / 4096
    tensors["wpe"][0] = [0.5 * ulp, 1.5 * ulp, -0.5 * ulp, -2.5 * ulp]
    tensors["wpe"][1] = [9, -9, 8 - ulp, -8]
    words = quantise(Checkpoint(TINY, tensors))
    assert words["wpe"].dtype == np.int16
    assert words["wpe"][0].tolist() == [0, 2, 0, -2]
    assert words["wpe"][1].tolist() == [32767, -32768, 32767, -32768]
    for name, tensor in tensors.items():
        assert words[name].ravel().tolist() == [Q4_12.quantise(float(w)) for w in tensor.ravel()], name


def test_quantise_to_another_format() -> None:
    words = quantise(Checkpoint(TINY, tiny_tensors()), Format(width=8, fraction=5))
    assert all(((array >= -128) & (array <= 127)).all() for array in words.values())
    for bad in (Format(width=33, fraction=12), Format(width=16, fraction=12, signed=False)):
        with pytest.raises(ValueError, match=rf"^format must be signed and at most 32 bits wide, not {bad}$"):
            quantise(Checkpoint(TINY, tiny_tensors()), bad)


@pytest.mark.parametrize("word", [Q5_12, Q6_12])
def test_quantise_to_more_than_16_bits(word: Format) -> None:
    tensors = {name: tensor * np.float32(12) for name, tensor in tiny_tensors().items()}
    words = quantise(Checkpoint(TINY, tensors), word)
    for name, tensor in tensors.items():
        assert words[name].dtype == np.int32
        assert words[name].ravel().tolist() == [word.quantise(float(w)) for w in tensor.ravel()], name
    assert max(np.abs(array).max() for array in words.values()) > 32768
    as_int32 = b"".join(words[name].astype("<i4").tobytes() for name in TINY.shapes())
    assert words_sha256(words, TINY) == hashlib.sha256(as_int32).hexdigest()


def test_words_hash_sees_every_bit(checkpoint: Checkpoint) -> None:
    words = quantise(checkpoint)
    before = words_sha256(words, MICROGPT)
    words["layer0.fc2"] = words["layer0.fc2"].copy()
    words["layer0.fc2"][15, 63] ^= 1
    assert words_sha256(words, MICROGPT) != before
