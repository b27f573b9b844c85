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

from talos_ref.model.checkpoint import Checkpoint, load
from talos_ref.model.config import MICROGPT, ModelConfig
from talos_ref.model.published_npy import import_npy, load_published

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


def assert_same(a: Checkpoint, b: Checkpoint) -> None:
    assert a.config == b.config
    for name, tensor in a.tensors.items():
        assert tensor.tobytes() == b.tensors[name].tobytes(), name


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
    assert_same(load_published(write(tmp_path / "w.npy", content)), checkpoint)


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
    assert_same(load_published(write_pickle(tmp_path / "w.npy", body)), checkpoint)


def test_reads_a_long_header(checkpoint: Checkpoint, tmp_path: Path) -> None:
    content = np.array(dict(checkpoint.tensors), dtype=object)
    with open(tmp_path / "w.npy", "wb") as stream:
        np.lib.format.write_array(stream, content, version=(2, 0))
    assert_same(load_published(tmp_path / "w.npy"), checkpoint)
    with open(tmp_path / "w.npy", "r+b") as stream:
        stream.seek(6)
        stream.write(b"\x03\x00")
    with pytest.raises(ValueError, match=r"\.npy version must be 1\.0 or 2\.0, not 3\.0$"):
        load_published(tmp_path / "w.npy")


def test_reads_several_layers(small_checkpoint: Checkpoint, tmp_path: Path) -> None:
    content = {published_name(name): tensor for name, tensor in small_checkpoint.tensors.items()}
    path = write(tmp_path / "w.npy", content)
    assert_same(load_published(path, small_checkpoint.config), small_checkpoint)
    with pytest.raises(ValueError, match=r"tensors must be wte, .* only, not 'layer1\.wq'"):
        load_published(path)


def test_import_writes_our_file(checkpoint: Checkpoint, tmp_path: Path) -> None:
    source, out = write(tmp_path / "w.npy", dict(checkpoint.tensors)), tmp_path / "w.npz"
    assert_same(import_npy(source, out), checkpoint)
    assert_same(load(out, MICROGPT), checkpoint)


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
    with pytest.raises(ValueError, match=r"hostile\.npy is not a usable published checkpoint: .*arrays and dicts only"):
        load_published(path)
    out = tmp_path / "out.npz"
    with pytest.raises(ValueError, match=r"nothing was run$"):
        import_npy(path, out)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["hostile.npy"]
    # The same file does run where a pickle is trusted, so the test means something.
    np.load(path, allow_pickle=True)
    assert marker.exists()


NDARRAY = b"cnumpy\nndarray\n"
RECONSTRUCT = b"cnumpy._core.multiarray\n_reconstruct\n"


@pytest.mark.parametrize(
    "body",
    [
        b"(S'true'\nios\nsystem\n.",
        b"(cos\nsystem\nS'true'\no.",
        b"cos\nsystem\n(S'true'\ntR.",
        b"\x8c\x02os\x8c\x06system\x93.",
        b"}\x8c\x02os\x93.",
        b"\x80\x04cbuiltins\nobject\n)\x81.",
        b"\x80\x04cbuiltins\nobject\n)}\x92.",
        b"\x80\x04\x82\x01.",
        b"Pid\n.",
        b"\x88Q.",
        b"\x80\x05\x97.",
        b"cnumpy\nload\n(S'x'\ntR.",
        b"cnumpy.core.multiarray\nfromfile\n.",
        b"cnumpy\nndarray.tofile\n.",
        b"cnumpy._core\nmultiarray._reconstruct\n.",
        b"ctalos_ref.published_npy\n_Machine\n.",
        NDARRAY + b"(I1\ntR.",
        RECONSTRUCT + b"}b.",
        RECONSTRUCT + b"(cnumpy\ndtype\nK\x00\x85C\x01btR.",
        b"}}b.",
        b"]}b.",
    ],
)
def test_refused_pickles(body: bytes, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"w\.npy is not a usable published checkpoint: .*arrays and dicts only, not"):
        load_published(write_pickle(tmp_path / "w.npy", body))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1.0, 2.0], "it must hold one dict, not list|array of objects must hold one dict"),
        (np.zeros(4), r"it must hold one dict, not float64 of shape \(4,\)"),
        ({"wte": np.zeros((27, 16), np.int16)}, "array must be of floats, not 'i2'"),
        ({"wte": np.zeros((27, 16), np.complex64)}, "array must be of floats, not 'c8'"),
        ({"wte": "abc"}, "'wte' must be an array of floats, not str"),
        ({"wte": [[1.0], [1.0, 2.0]]}, "'wte' must be an array of floats, not list"),
        ({"wte": [1.0, 2.0]}, "'wte' must be an array of floats, not list"),
        ({1: np.zeros(3)}, "pairs must go into a dict, with names as keys"),
        ({}, r"tensors must include 'wte' \(27, 16\)"),
        ({"wq": np.zeros((16, 16)), "layer0.attn_wq": np.zeros((16, 16))}, r"tensor 'layer0\.wq' must appear once"),
    ],
)
def test_other_contents(content: Any, message: str, tmp_path: Path) -> None:
    array = content if isinstance(content, np.ndarray) else np.array(None, dtype=object)
    if not isinstance(content, np.ndarray):
        array[()] = content
    with pytest.raises(ValueError, match=f"w.npy is not a usable published checkpoint: ({message})"):
        load_published(write(tmp_path / "w.npy", array))


def test_tensors_are_checked_as_any_checkpoint(checkpoint: Checkpoint, tmp_path: Path) -> None:
    config = ModelConfig(alphabet=MICROGPT.alphabet + "é")
    wte = checkpoint.tensors["wte"].astype(np.float64)
    wte[3, 4] = 1e300
    with pytest.raises(ValueError, match=r"tensor 'wte' must be finite, not inf at \[3, 4\]"):
        load_published(write(tmp_path / "w.npy", dict(checkpoint.tensors) | {"wte": wte}))
    with pytest.raises(ValueError, match=r"tensor 'wte' must have shape \(28, 16\), not \(27, 16\)"):
        load_published(write(tmp_path / "w.npy", dict(checkpoint.tensors)), config)


def test_a_list_that_holds_itself(tmp_path: Path) -> None:
    path = write_pickle(tmp_path / "w.npy", b"}\x8c\x03wte](]q\x00h\x00aes.")
    with pytest.raises(ValueError, match=r"'wte' must be an array of floats, not list"):
        load_published(path)


def test_damaged_files(small_checkpoint: Checkpoint, tmp_path: Path) -> None:
    path = write(tmp_path / "w.npy", dict(small_checkpoint.tensors))
    whole = path.read_bytes()
    for kept in range(0, len(whole), 401):
        path.write_bytes(whole[:kept])
        with pytest.raises(ValueError, match=r"w\.npy is not a usable published checkpoint"):
            load_published(path, small_checkpoint.config)
    rng = random.Random(11)
    refused = read = 0
    for _ in range(300):
        damaged = bytearray(whole)
        # Bits of the weights themselves are not protected by this format; those of its structure are aimed at.
        damaged[rng.choice([rng.randrange(700), len(whole) - 1 - rng.randrange(40)])] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        try:
            load_published(path, small_checkpoint.config)
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
