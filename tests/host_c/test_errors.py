"""Bad input to the C library: every refusal has its own words, and nothing crashes."""

from __future__ import annotations

import gc
import struct
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest

from host_c import Model, TalosError
from host_c.binding.model_file import HEADER_BYTES, model_bytes, write_model
from host_c.generate import headers
from talos_ref.model.checkpoint import Checkpoint, default_checkpoint
from talos_ref.model.config import ModelConfig

GOOD = model_bytes(default_checkpoint())


def with_field(offset: int, value: int) -> bytes:
    return GOOD[:offset] + struct.pack("<I", value) + GOOD[offset + 4 :]


def with_weight(index: int, value: float) -> bytes:
    at = HEADER_BYTES + 4 * 26 + 4 * index
    body = (GOOD[:at] + struct.pack("<f", value) + GOOD[at + 4 :])[HEADER_BYTES:]
    return GOOD[:40] + struct.pack("<I", zlib.crc32(body)) + GOOD[44:HEADER_BYTES] + body


def test_generated_headers_are_current() -> None:
    for path, text in headers().items():
        assert path.read_text(encoding="ascii") == text, "run `python -m host_c.generate`"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "must begin with TALOSMDL"),
        (b"TALOSMDL", "truncated or has bytes left over"),
        (b"X" + GOOD[1:], "must begin with TALOSMDL"),
        (with_field(8, 0), "must be of version 1 or 2"),
        (with_field(8, 3), "must be of version 1 or 2"),
        (with_field(44, 15), "word must be of 16, 17 or 18 bits"),
        (with_field(44, 19), "word must be of 16, 17 or 18 bits"),
        (with_field(12, 1), "within the limits"),
        (with_field(12, 0xFFFFFFFF), "within the limits"),
        (with_field(16, 257), "within the limits"),
        (with_field(20, 18), "within the limits"),
        (with_field(24, 0), "within the limits"),
        (with_field(24, 5), "within the limits"),
        (with_field(28, 1025), "within the limits"),
        (with_field(32, 17), "within the limits"),
        (with_field(32, 2), "within the limits"),
        (with_field(36, 4193), "within the limits"),
        (GOOD[:-1], "truncated or has bytes left over"),
        (GOOD[: HEADER_BYTES - 1], "truncated or has bytes left over"),
        (GOOD + b"\0", "truncated or has bytes left over"),
        (GOOD[:-1] + bytes([GOOD[-1] ^ 1]), "the file is damaged"),
        (with_weight(100, float("nan")), "must be finite"),
        (with_weight(4191, float("inf")), "must be finite"),
    ],
)
@pytest.mark.parametrize("name", ["float", "precise"])
def test_bad_model_is_refused(data: bytes, message: str, name: str) -> None:
    with pytest.raises(ValueError, match=message):
        Model(data, name)


def test_head_that_does_not_fold_is_refused_by_precise_alone() -> None:
    lm_head, fc2 = 43 * 16, 43 * 16 + 27 * 16 + 4 * 256 + 1024
    data = with_weight(lm_head, 7.9)
    body = bytearray(data[HEADER_BYTES:])
    at = 4 * 26 + 4 * fc2
    body[at : at + 4] = struct.pack("<f", 7.9)
    data = data[:40] + struct.pack("<I", zlib.crc32(bytes(body))) + data[44:HEADER_BYTES] + bytes(body)
    with pytest.raises(ValueError, match="lm_head \\* fc2 must fit a word; give the model a wider one"):
        Model(data, "precise")
    assert Model(data, "talos-v2").kernel == "scalar"


@pytest.mark.parametrize(
    ("name", "temperature"),
    [("float", -0.5), ("float", float("nan")), ("float", float("inf")), ("float", 1e-9), ("precise", -1.0),
     ("folded", 0.001), ("folded", 16.01), ("precise", 0.001), ("precise", 16.01),
     ("precise", float("nan")), ("talos-v2", 256.0), ("talos-v2", -0.1)],
)  # fmt: skip
def test_bad_temperature_is_refused(name: str, temperature: float) -> None:
    model = Model(GOOD, name)
    with pytest.raises(ValueError, match="temperature must be in the range of the arithmetic"):
        model.stream(1, temperature)
    with pytest.raises(ValueError, match="temperature must be in the range of the arithmetic"):
        model.generate_many([1, 2], temperature)


def test_bad_arguments_are_refused() -> None:
    model = Model(GOOD, "precise")
    with pytest.raises(ValueError, match="seed must be 1 to 4294967295, not 0"):
        model.stream(0, 0.5)
    with pytest.raises(TypeError, match=r"seed must be an integer, not 1\.0"):
        model.stream(1.0, 0.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="temperature must be a number, not '1'"):
        model.stream(1, "1")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="never leaves state 0"):
        model.generate_many(np.array([1, 0], dtype=np.uint32), 0.5)
    with pytest.raises(TypeError, match="one-dimensional uint32 array"):
        model.generate_many(np.array([1.0]), 0.5)
    with pytest.raises(ValueError, match="threads must be 0 to 256, not 257"):
        model.generate_many([1], 0.5, threads=257)
    with pytest.raises(ValueError, match="token must be 0 to 26, not 27"):
        model.stream(1, 0.5).force(27)
    with pytest.raises(ValueError, match="must not be null or out of range"):
        model.stream(1, 0.5).logits()
    with pytest.raises(ValueError, match="arithmetic must be one of float, folded, precise, talos-v2, not 'fp64'"):
        Model(GOOD, "fp64")
    with pytest.raises(ValueError, match="must not be null or out of range"):
        Model(GOOD, "precise", "no-such-kernel")
    with pytest.raises(TypeError, match="source must be"):
        Model(17, "precise")  # type: ignore[arg-type]
    with pytest.raises(OSError, match="file must be readable"):
        Model("/no/such/file", "precise")


def test_words_of_the_float_model_are_refused() -> None:
    stream = Model(GOOD, "float").stream(1, 0.5)
    stream.next()
    with pytest.raises(TalosError, match="must suit the model"):
        stream.words()


def test_buffers_and_null_pointers_are_checked() -> None:
    from host_c.binding._talos import ffi, lib

    null, model = ffi.NULL, Model(GOOD, "precise")
    stream = model.stream(1, 0.5)
    stream.next()
    tokens, seeds = ffi.new("uint8_t[31]"), ffi.new("uint32_t[2]", [1, 2])
    many = lib.talos_generate_many
    assert lib.talos_generate(stream.pointer, 2, tokens, 31, null, null) == lib.TALOS_BUFFER_TOO_SMALL
    assert lib.talos_generate(stream.pointer, 1 << 60, tokens, 31, null, null) == lib.TALOS_BUFFER_TOO_SMALL
    assert many(model.pointer, seeds, 2, 0.5, 1, tokens, 31, null) == lib.TALOS_BUFFER_TOO_SMALL
    assert lib.talos_stream_words(stream.pointer, ffi.new("int32_t[26]"), 26) == lib.TALOS_BUFFER_TOO_SMALL
    assert lib.talos_stream_logits(stream.pointer, ffi.new("float[26]"), 26) == lib.TALOS_BUFFER_TOO_SMALL
    result, pointer, state = ffi.new("talos_step_result *"), ffi.new("talos_model **"), ffi.new("uint32_t *")
    bad = [
        lib.talos_model_load(null, 0, lib.TALOS_PRECISE, null, pointer),
        lib.talos_model_load(ffi.from_buffer(GOOD), len(GOOD), lib.TALOS_PRECISE, null, null),
        lib.talos_model_load(ffi.from_buffer(GOOD), len(GOOD), 77, null, pointer),
        lib.talos_model_open(null, lib.TALOS_PRECISE, null, pointer),
        lib.talos_model_config(null, null),
        lib.talos_stream_create(null, 1, 0.5, ffi.new("talos_stream **")),
        lib.talos_stream_create(model.pointer, 1, 0.5, null),
        lib.talos_stream_reset(null, 1),
        lib.talos_stream_rng(null, state),
        lib.talos_stream_next(null, result),
        lib.talos_stream_next(stream.pointer, null),
        lib.talos_stream_force(stream.pointer, 1, null),
        lib.talos_stream_logits(stream.pointer, null, 27),
        lib.talos_stream_words(null, null, 27),
        lib.talos_generate(null, 0, null, 0, null, null),
        lib.talos_generate(stream.pointer, 1, null, 16, null, null),
        many(null, seeds, 1, 0.5, 1, tokens, 31, null),
        many(model.pointer, null, 1, 0.5, 1, tokens, 31, null),
    ]
    assert bad == [lib.TALOS_BAD_ARGUMENT] * len(bad)
    lib.talos_model_free(null)
    lib.talos_stream_free(null)
    assert lib.talos_model_kernel(null) == null
    assert ffi.string(lib.talos_status_message(99)) == b"unknown status"


def test_stream_outlives_its_model() -> None:
    stream = Model(GOOD, "precise").stream(2, 0.5)
    gc.collect()
    assert len(stream.generate(50)[0]) > 100
    from host_c.binding._talos import ffi, lib

    pointer, streams = ffi.new("talos_model **"), ffi.new("talos_stream **")
    assert lib.talos_model_load(ffi.from_buffer(GOOD), len(GOOD), lib.TALOS_PRECISE, ffi.NULL, pointer) == lib.TALOS_OK
    assert lib.talos_stream_create(pointer[0], 2, 0.5, streams) == lib.TALOS_OK
    lib.talos_model_free(pointer[0])
    result = ffi.new("talos_step_result *")
    assert lib.talos_stream_next(streams[0], result) == lib.TALOS_OK
    lib.talos_stream_free(streams[0])


def test_streams_of_one_model_run_in_many_threads() -> None:
    model = Model(GOOD, "precise")
    wanted, got = [model.stream(seed, 0.5).generate(200)[0].tolist() for seed in range(1, 9)], [list[int]()] * 8

    def run(index: int) -> None:
        got[index] = model.stream(index + 1, 0.5).generate(200)[0].tolist()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == wanted


def test_model_file_round_trip(tmp_path: Path) -> None:
    path = write_model(default_checkpoint(), tmp_path / "microgpt.bin")
    assert path.read_bytes() == GOOD
    from_path, from_bytes = (Model(source, "precise").generate_many([2, 3], 0.5) for source in (path, GOOD))
    assert np.array_equal(from_path, from_bytes)


def test_dimensions_and_alphabet_come_from_the_file(tmp_path: Path) -> None:
    config = ModelConfig(alphabet="αβγ", block_size=5, n_embd=4, n_head=2, mlp_dim=3, n_layer=2)
    rng = np.random.default_rng(1)
    tensors = {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in config.shapes().items()}
    path = write_model(Checkpoint(config, tensors), tmp_path / "other.bin")
    for source in (path, str(path), path.read_bytes(), Checkpoint(config, tensors)):
        model = Model(source, "precise")
        assert model.config == config
        assert model.generate_many([1, 2], 1.0).shape == (2, 5)


@pytest.mark.parametrize(
    ("letters", "message"), [((97, 97), "must not repeat a letter"), ((97, 0x110000), "must hold code points")]
)
def test_alphabet_that_is_none_is_refused(letters: tuple[int, int], message: str) -> None:
    body = struct.pack("<2I", *letters) + GOOD[HEADER_BYTES + 8 :]
    data = GOOD[:40] + struct.pack("<I", zlib.crc32(body)) + GOOD[44:HEADER_BYTES] + body
    with pytest.raises(ValueError, match=message):
        Model(data, "precise")


def test_trace_checks_its_pointers() -> None:
    from host_c.binding._talos import ffi, lib

    stream = Model(GOOD, "float").stream(1, 0.5)
    results, words, taken = ffi.new("talos_step_result[15]"), ffi.new("int32_t[405]"), ffi.new("size_t *")
    assert lib.talos_trace(stream.pointer, results, words, 15, taken) == lib.TALOS_UNSUPPORTED
    for arguments in (
        (ffi.NULL, results, ffi.NULL, 15, taken), (stream.pointer, ffi.NULL, ffi.NULL, 15, taken),
        (stream.pointer, results, ffi.NULL, 0, taken), (stream.pointer, results, ffi.NULL, 15, ffi.NULL),
    ):  # fmt: skip
        assert lib.talos_trace(*arguments) == lib.TALOS_BAD_ARGUMENT
    assert lib.talos_trace(stream.pointer, results, ffi.NULL, 15, taken) == lib.TALOS_OK
