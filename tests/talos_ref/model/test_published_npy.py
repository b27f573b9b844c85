"""Import of pickled arrays as data: what it reads, and that hostile files run nothing."""

from __future__ import annotations

import io
import os
import pickle
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from talos_ref.model.checkpoint import DEFAULT_PATH, Checkpoint
from talos_ref.model.config import MICROGPT
from talos_ref.model.published_npy import MAX_TUPLES, load_published

PUBLISHED = {"wq": "attn_wq", "wk": "attn_wk", "wv": "attn_wv", "wo": "attn_wo", "fc1": "mlp_fc1", "fc2": "mlp_fc2"}


def published_name(name: str) -> str:
    layer, _, tensor = name.rpartition(".")
    return f"{layer}.{PUBLISHED[tensor]}" if tensor in PUBLISHED else name


def plain_name(name: str) -> str:
    return name.removeprefix("layer0.")


def write(path: Path, content: Any) -> Path:
    np.save(path, content, allow_pickle=True)
    return path


def write_pickle(path: Path, body: bytes) -> Path:
    """Write a ``.npy`` header for an object array, and any bytes for its pickle."""
    stream = io.BytesIO()
    np.save(stream, np.array(None, dtype=object), allow_pickle=True)
    path.write_bytes(stream.getvalue()[:128] + body)
    return path


def unfollowed(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return what does not follow from the shapes."""
    return {"n_head": checkpoint.config.n_head, "alphabet": checkpoint.config.alphabet}


@pytest.mark.parametrize("rename", [str, published_name, plain_name])
@pytest.mark.parametrize(
    "convert",
    [
        np.asarray,
        lambda a: a.astype(np.float64),
        lambda a: a.astype(">f4"),
        np.asfortranarray,
        lambda a: a.tolist(),
        lambda a: [list(row) for row in a.astype(np.float64)],
    ],
    ids=["float32", "float64", "big-endian", "fortran", "lists", "lists of NumPy scalars"],
)
def test_reads_what_numpy_saves(
    rename: Callable[[str], str], convert: Callable[[Any], Any], checkpoint: Checkpoint, tmp_path: Path
) -> None:
    content = {rename(name): convert(tensor) for name, tensor in checkpoint.tensors.items()}
    assert load_published(write(tmp_path / "w.npy", content)) == checkpoint


@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize("package", [b"numpy._core", b"numpy.core"])
def test_reads_older_files(package: bytes, protocol: int, checkpoint: Checkpoint, tmp_path: Path) -> None:
    body = pickle.dumps(np.array(dict(checkpoint.tensors), dtype=object), protocol=protocol)
    # The module name that NumPy 1 wrote is shorter; protocol 4 gives lengths, those of its frames included.
    if protocol == 4:
        module = package + b".multiarray"
        body = body.replace(b"\x8c\x16numpy._core.multiarray", bytes([0x8C, len(module)]) + module)
        body = body[:2] + body[11:]
    else:
        body = body.replace(b"numpy._core.multiarray", package + b".multiarray")
    assert package in body
    assert load_published(write_pickle(tmp_path / "w.npy", body)) == checkpoint


def test_reads_a_long_header(checkpoint: Checkpoint, tmp_path: Path) -> None:
    content = np.array(dict(checkpoint.tensors), dtype=object)
    with open(tmp_path / "w.npy", "wb") as stream:
        np.lib.format.write_array(stream, content, version=(2, 0))
    assert load_published(tmp_path / "w.npy") == checkpoint
    with open(tmp_path / "w.npy", "r+b") as stream:
        stream.seek(6)
        stream.write(b"\x03\x00")
    with pytest.raises(ValueError, match=r"it must have a \.npy header: version must be 1\.0 or 2\.0, not 3\.0$"):
        load_published(tmp_path / "w.npy")


def test_reads_several_layers(small_checkpoint: Checkpoint, tmp_path: Path) -> None:
    content = {published_name(name): tensor for name, tensor in small_checkpoint.tensors.items()}
    path = write(tmp_path / "w.npy", content)
    assert load_published(path, **unfollowed(small_checkpoint)) == small_checkpoint
    with pytest.raises(ValueError, match=r"must be given: --n-head N, a divisor of n_embd \(12\); --alphabet"):
        load_published(path)


def test_reads_an_npz_of_arrays(small_checkpoint: Checkpoint, tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    np.savez_compressed(path, allow_pickle=False, **{published_name(n): t for n, t in small_checkpoint.tensors.items()})
    assert load_published(path, **unfollowed(small_checkpoint)) == small_checkpoint
    np.savez(path, allow_pickle=True, wte=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match=r"w\.npz is not a usable \.npy of weights: member 'wte' must hold object"):
        load_published(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is an empty file; make or copy it again"),
        (b"ada\n", "it is plain text; train on a word list: python -m talos_ref train"),
        (b"\x02\0\0\0\0\0\0\0{}", "it is a safetensors file; turn it into a checkpoint: python -m talos_ref import-"),
        (DEFAULT_PATH.read_bytes(), "it is a checkpoint of this project; give it as --weights"),
        (pickle.dumps({}), "it is a pickle, as old PyTorch files are; its pickle is never run; save the tensors with"),
    ],
    ids=["empty", "text", "safetensors", "ours", "pickle"],
)
def test_files_of_another_kind(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "w"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"is not a usable \.npy of weights") as caught:
        load_published(path)
    assert str(caught.value).startswith(f"{path} is not a usable .npy of weights: {message}")


class Call:
    """Pickles as a call of ``function(*arguments)``."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def hostile(marker: Path) -> dict[str, Any]:
    """Return contents that create ``marker`` when unpickled."""
    call = Call(os.mkdir, str(marker))
    inside = np.empty(2, dtype=object)
    inside[:] = [call, 1.0]
    return {
        "alone": call,
        "as a value": {"wte": call},
        "as a key's value in a list": {"wte": [[1.0, call]]},
        "in an array of objects": {"wte": inside},
        "eval": {"wte": Call(eval, f"__import__('os').mkdir({str(marker)!r})")},
        "through NumPy": {"wte": Call(np.vectorize(os.mkdir, otypes="O"), str(marker))},
        "through a NumPy class": {"wte": Call(np.memmap, str(marker), "u1", "w+", 0, (1,))},
        "through NumPy's own loader": {"wte": Call(np.ndarray.tofile, np.zeros(1), str(marker))},
    }


@pytest.mark.parametrize("case", list(hostile(Path())))
def test_hostile_file_runs_nothing(case: str, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    path = write(tmp_path / "hostile.npy", hostile(marker)[case])
    with pytest.raises(ValueError, match=r"hostile\.npy is not a usable \.npy of weights: .*arrays and dicts only"):
        load_published(path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["hostile.npy"]
    # The same file does run where a pickle is trusted, so the test means something.
    np.load(path, allow_pickle=True)
    assert marker.exists()


NDARRAY = b"cnumpy\nndarray\n"
RECONSTRUCT = b"cnumpy._core.multiarray\n_reconstruct\n"
DTYPE = b"cnumpy\ndtype\n"

REFUSED = {
    b"(S'true'\nios\nsystem\n.": "arrays and dicts only, not os.system; refused, nothing was run",
    b"(cos\nsystem\nS'true'\no.": "arrays and dicts only, not os.system; refused, nothing was run",
    b"cos\nsystem\n(S'true'\ntR.": "arrays and dicts only, not os.system; refused, nothing was run",
    b"\x8c\x02os\x8c\x06system\x93.": "arrays and dicts only, not os.system; refused, nothing was run",
    b"}\x8c\x02os\x93.": "",
    b"\x80\x04cbuiltins\nobject\n)\x81.": "arrays and dicts only, not builtins.object; refused, nothing was run",
    b"\x80\x04cbuiltins\nobject\n)}\x92.": "arrays and dicts only, not builtins.object; refused, nothing was run",
    b"\x80\x04\x82\x01.": "",
    b"Pid\n.": "",
    b"\x88Q.": "",
    b"\x80\x05\x97.": "",
    b"cnumpy\nload\n(S'x'\ntR.": "arrays and dicts only, not numpy.load; refused, nothing was run",
    b"cnumpy.core.multiarray\nfromfile\n.": "arrays and dicts only, not numpy.core.multiarray.fromfile; refused",
    b"cnumpy\nndarray.tofile\n.": "arrays and dicts only, not numpy.ndarray.tofile; refused, nothing was run",
    b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93.": "arrays and dicts only, not numpy.ndarray.tofile; refused",
    b"cnumpy._core\nmultiarray._reconstruct\n.": "arrays and dicts only, not numpy._core.multiarray._reconstruct; ref",
    b"ctalos_ref.model.published_npy\n_Reader\n.": "arrays and dicts only, not talos_ref.model.published_npy._Reader; ",
    NDARRAY + b"(I1\ntR.": "arrays and dicts only, not a call of numpy.ndarray; nothing was run",
    NDARRAY + b")\x81.": "",
    NDARRAY + b"}\x8c\x04namecos\nsystem\nsb.": "arrays and dicts only, not os.system; refused, nothing was run",
    RECONSTRUCT + b"}b.": "arrays and dicts only, not a state of _reconstruct; nothing was run",
    RECONSTRUCT + b"N}\x8c\x04callK\x01s\x86b.": "arrays and dicts only, not a state of _reconstruct; nothing was run",
    RECONSTRUCT + b"(" + DTYPE + b"K\x00\x85C\x01btR.": "arrays and dicts only, not _Name; nothing was run",
    RECONSTRUCT + b"(K\x01K\x00\x85C\x01btR.": "arrays and dicts only, not int; nothing was run",
    DTYPE + b"(\x8c\x03V99tR.": "array must be of floats, not 'V99'",
    DTYPE + b"(\x8c\x02f4tR}b.": "",
    b"]}b.": "",
    b"\x80\x04K\x01]q\xff.": "its pickle must number its memories in order",
    b"\x80\x04K\x01r\xff\xff\xff\x7f.": "its pickle must number its memories in order",
    b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x0f.": "",
    b"}" + b")" + b"\x85" * MAX_TUPLES + b"N" + b"s.": f"its pickle must have at most {MAX_TUPLES} tuples; save arrays",
    b"]" * 50_000 + b"a" * 49_999 + b".": "it must hold one dict, name -> array, not list",
}
"""Body of a pickle -> what is said of it; empty where Python says it in its own words."""


@pytest.mark.parametrize("body", REFUSED, ids=[str(body[:30]) for body in REFUSED])
def test_refused_pickles(body: bytes, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"w\.npy is not a usable \.npy of weights: ") as caught:
        load_published(write_pickle(tmp_path / "w.npy", body))
    assert REFUSED[body] in str(caught.value)


def test_the_deepest_tuples_that_are_taken_can_be_hashed(tmp_path: Path) -> None:
    body = b"}" + b")" + b"\x85" * (MAX_TUPLES - 1) + b"Ns."
    with pytest.raises(ValueError, match=r"it must hold one dict, name -> array, not other keys$"):
        load_published(write_pickle(tmp_path / "w.npy", body))


def test_a_list_that_stands_a_million_times_is_not_multiplied_out(tmp_path: Path) -> None:
    row = b"](" + b"G?\xf0\0\0\0\0\0\0" * 1000 + b"e\x94"
    body = b"\x80\x04}\x8c\x03wte](" + row + b"h\0" * 1_000_000 + b"es."
    with pytest.raises(ValueError, match=r"'wte' must be an array of floats, not list$"):
        load_published(write_pickle(tmp_path / "w.npy", body))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1.0, 2.0], "it must hold one dict, name -> array, not list|array of objects must hold one dict"),
        (np.zeros(4), r"it must hold one dict, not float64 of shape \(4,\)"),
        ({"wte": np.zeros((27, 16), np.int16)}, "array must be of floats, not 'i2'"),
        ({"wte": np.zeros((27, 16), np.complex64)}, "array must be of floats, not 'c8'"),
        ({"wte": "abc"}, "'wte' must be an array of floats, not str"),
        ({"wte": [[1.0], [1.0, 2.0]]}, "'wte' must be an array of floats, not list"),
        ({"wte": [1.0, 2.0]}, "'wte' must be an array of floats, not list"),
        ({"wte": []}, r"'wte' must have two dimensions, not shape \(0,\)"),
        ({1: np.zeros(3)}, "it must hold one dict, name -> array, not other keys"),
        ({}, "its tensors must be those of a microGPT: missing wte, wpe, lm_head, layer0.wq, layer0.wk and 4 more$"),
        ({"wq": np.zeros((16, 16)), "layer0.attn_wq": np.zeros((16, 16))}, r"tensor 'layer0\.wq' must appear once"),
    ],
)
def test_other_contents(content: Any, message: str, tmp_path: Path) -> None:
    array = content if isinstance(content, np.ndarray) else np.array(None, dtype=object)
    if not isinstance(content, np.ndarray):
        array[()] = content
    with pytest.raises(ValueError, match=rf"w.npy is not a usable \.npy of weights: ({message})"):
        load_published(write(tmp_path / "w.npy", array))


def test_tensors_are_checked_as_any_checkpoint(checkpoint: Checkpoint, tmp_path: Path) -> None:
    wte = checkpoint.tensors["wte"].astype(np.float64)
    wte[3, 4] = 1e300
    with pytest.raises(ValueError, match=r"tensor 'wte' must be finite, not inf at \[3, 4\]"):
        load_published(write(tmp_path / "w.npy", dict(checkpoint.tensors) | {"wte": wte}))
    with pytest.raises(ValueError, match=r"alphabet must have 26 letters, as wte has 27 rows and the last is BOS"):
        load_published(write(tmp_path / "w.npy", dict(checkpoint.tensors)), alphabet=MICROGPT.alphabet + "é")


def test_a_list_that_holds_itself(tmp_path: Path) -> None:
    path = write_pickle(tmp_path / "w.npy", b"}\x8c\x03wte](]q\x00h\x00aes.")
    with pytest.raises(ValueError, match=r"'wte' must be an array of floats, not list"):
        load_published(path)


def test_damaged_files(small_checkpoint: Checkpoint, tmp_path: Path) -> None:
    path = write(tmp_path / "w.npy", dict(small_checkpoint.tensors))
    whole = path.read_bytes()
    for kept in range(0, len(whole), 401):
        path.write_bytes(whole[:kept])
        with pytest.raises(ValueError, match=r"w\.npy is not a usable \.npy of weights"):
            load_published(path, **unfollowed(small_checkpoint))
    rng = random.Random(11)
    refused = read = 0
    for _ in range(300):
        damaged = bytearray(whole)
        # Bits of the weights themselves are not protected by this format; those of its structure are aimed at.
        damaged[rng.choice([rng.randrange(700), len(whole) - 1 - rng.randrange(40)])] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        try:
            load_published(path, **unfollowed(small_checkpoint))
        except ValueError as error:
            refused += str(error).startswith(str(path))
        else:
            read += 1
    assert refused + read == 300
    assert refused > 100


def test_too_large_and_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: Checkpoint) -> None:
    path = write(tmp_path / "w.npy", dict(checkpoint.tensors))
    monkeypatch.setattr("talos_ref.model.published_npy.MAX_BYTES", 1000)
    with pytest.raises(ValueError, match=r"it must have at most 1000 bytes"):
        load_published(path)
    with pytest.raises(FileNotFoundError):
        load_published(tmp_path / "none.npy")
