"""The kernels of a GPU: compiled by NVRTC, built for this processor, run where a GPU is. Same names, same bits."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from host_c import Model
from host_c.binding.trace import trace
from host_c.cuda.cuda_device import CudaDevice
from host_c.cuda.devices import Device
from host_c.cuda.emulated_device import EmulatedDevice, build_emulation
from host_c.cuda.layout import DESK, JOB, LAYOUTS
from host_c.cuda.model import DeviceModel
from host_c.cuda.nvrtc import compile_kernels
from talos_ref.golden.float_model import FloatModel
from talos_ref.model.checkpoint import Checkpoint, default_checkpoint
from talos_ref.model.config import ModelConfig

NAMES = 300
HAS_NVRTC = sys.platform in ("linux", "win32")
"""Where the lock has its wheel."""


def gpu() -> Device | None:
    """Return this machine's GPU, if it has one."""
    try:
        return CudaDevice()
    except (ImportError, RuntimeError):
        return None


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_emulation(tmp_path_factory.mktemp("cuda"))


@pytest.fixture(scope="module", params=["forwards", "backwards", *["gpu"] * (gpu() is not None)])
def device(request: pytest.FixtureRequest, library: Path) -> Device:
    if request.param == "gpu":
        return CudaDevice()
    return EmulatedDevice(library, backwards=request.param == "backwards")


def small(alphabet: str, block_size: int) -> Checkpoint:
    config = ModelConfig(alphabet=alphabet, block_size=block_size)
    rng = np.random.default_rng(3)
    return Checkpoint(config, {n: rng.normal(0, 0.15, s).astype(np.float32) for n, s in config.shapes().items()})


def steps_of(tokens: npt.NDArray[np.uint8], logits: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the logits [step, vocab] of the steps that names [name, position] took."""
    bos, letters = logits.shape[-1] - 1, tokens.shape[1] - 1
    taken = np.minimum((tokens != bos).sum(axis=1) + 1, letters)
    steps: npt.NDArray[Any] = logits[np.arange(logits.shape[1]) < taken[:, None]]
    return steps


@pytest.mark.parametrize("temperature", [0.0, 0.0625, 0.5, 16.0])
def test_words_equal_those_of_the_library(device: Device, temperature: float) -> None:
    model, host = DeviceModel(default_checkpoint(), "folded", device), Model(default_checkpoint(), "folded", "scalar")
    seeds = np.random.default_rng(6).integers(1, 1 << 32, NAMES, dtype=np.uint32)
    tokens, words, steps = model.many_streams(seeds, temperature, logits=True)
    wanted, taken = host.generate_counted(seeds, temperature)
    assert np.array_equal(tokens, wanted), f"seed {seeds[(tokens != wanted).any(axis=1)][0]}"
    assert steps == taken
    assert words is not None
    assert np.array_equal(steps_of(tokens, words), trace(host, seeds, temperature).logits)


@pytest.mark.parametrize("which", ["four letters", "thirteen positions"])
def test_words_of_smaller_models(device: Device, which: str) -> None:
    checkpoint = small("abcd", 7) if which == "four letters" else small("abcdefghijklmnopqrstuvwxyzäöüß", 13)
    host, seeds = Model(checkpoint, "folded", "scalar"), np.arange(1, 101, dtype=np.uint32)
    tokens, words, _ = DeviceModel(checkpoint, "folded", device).many_streams(seeds, 1.0, logits=True)
    assert words is not None
    assert np.array_equal(steps_of(tokens, words), trace(host, seeds, 1.0).logits)
    assert np.array_equal(tokens, host.generate_many(seeds, 1.0))


@pytest.mark.parametrize("name", ["folded", "float"])
def test_all_three_write_the_names_of_the_library(device: Device, name: str) -> None:
    """From one random state, which goes on from name to name."""
    model, host = DeviceModel(default_checkpoint(), name, device), Model(default_checkpoint(), name)
    wanted, taken = host.stream(5, 0.5).generate(NAMES)
    one, _, steps = model.one_stream(5, 0.5, NAMES)
    ended = np.concatenate([np.append(row[row != 26], 26) for row in one])
    assert np.array_equal(ended, wanted)
    assert steps == taken
    by_operations, also = model.by_operations(5, 0.5, 60)
    assert np.array_equal(by_operations, one[:60])
    assert 60 < also < taken
    seeds = np.arange(1, NAMES + 1, dtype=np.uint32)
    many, _, steps = model.many_streams(seeds, 0.5)
    wanted_many, taken = host.generate_counted(seeds, 0.5)
    assert np.array_equal(many, wanted_many)
    assert steps == taken


def test_float_logits_are_those_of_the_float_model(device: Device) -> None:
    reference, model = FloatModel(default_checkpoint()), DeviceModel(default_checkpoint(), "float", device)
    tokens, logits, _ = model.many_streams(np.arange(1, 101, dtype=np.uint32), 0.5, logits=True)
    assert logits is not None
    inputs = np.concatenate([np.full((len(tokens), 1), 26), tokens[:, :-1]], axis=1)
    wanted = steps_of(tokens, reference.batched_logits(inputs))
    np.testing.assert_allclose(steps_of(tokens, logits), wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("temperature", [0.0, 0.0003, 0.004, 5.0])
def test_float_at_any_temperature(device: Device, temperature: float) -> None:
    """Weights beyond the range of float, and a maximum without any."""
    seeds = np.arange(1, 61, dtype=np.uint32)
    tokens, _, _ = DeviceModel(default_checkpoint(), "float", device).many_streams(seeds, temperature)
    assert np.array_equal(tokens, Model(default_checkpoint(), "float").generate_many(seeds, temperature))


def test_emulated_float_has_the_same_bits_in_both_orders(library: Path) -> None:
    found = []
    for backwards in (False, True):
        model = DeviceModel(default_checkpoint(), "float", EmulatedDevice(library, backwards=backwards))
        found.append(model.one_stream(9, 1.0, 40, logits=True))
    (tokens, first, _), (also, second, _) = found
    assert first is not None
    assert second is not None
    assert np.array_equal(tokens, also)
    assert steps_of(tokens, first).tobytes() == steps_of(also, second).tobytes()


def test_nvrtc_compiles_the_source() -> None:
    if not HAS_NVRTC:
        assert importlib.util.find_spec("cuda") is None
        return
    code = compile_kernels("sm_90")
    assert code.startswith(b"\x7fELF")
    for kernel in ("folded_one_stream", "folded_many_streams", "folded_attend", "float_one_stream", "float_draw"):
        assert kernel.encode() in code


def test_nvrtc_says_what_it_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A structure that differs between Python and the kernels is no program."""
    if not HAS_NVRTC:
        return
    monkeypatch.setitem(LAYOUTS, "float", np.dtype("<i4"))
    with pytest.raises(RuntimeError, match=r"NVRTC refuses talos.cu: (.|\n)*layout.py differs"):
        compile_kernels("sm_90")


def test_sizes_of_the_layout() -> None:
    assert (JOB.itemsize, DESK.itemsize % 16) == (72, 0)
    assert all(layout.itemsize % 16 == 0 for layout in LAYOUTS.values())


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (ModelConfig(n_embd=32), "n_embd must be 16 on a GPU, not 32"),
        (ModelConfig(n_layer=2), "n_layer must be 1 on a GPU, not 2"),
        (ModelConfig(block_size=20), "block_size must be at most 16 on a GPU, not 20"),
    ],
)
def test_other_shapes_are_refused(config: ModelConfig, message: str, device: Device) -> None:
    zeros = Checkpoint(config, {n: np.zeros(s, dtype=np.float32) for n, s in config.shapes().items()})
    for name in ("folded", "float"):
        with pytest.raises(ValueError, match=f"^{message}$"):
            DeviceModel(zeros, name, device)


def test_what_else_is_refused(device: Device) -> None:
    with pytest.raises(ValueError, match=r"^arithmetic must be one of folded, float on a GPU, not 'precise'$"):
        DeviceModel(default_checkpoint(), "precise", device)
    tensors = dict(default_checkpoint().tensors)
    tensors["layer0.wo"] = np.full_like(tensors["layer0.wo"], 0.95)
    with pytest.raises(ValueError, match=r"^wo must have rows of absolute sums below 15 on a GPU$"):
        DeviceModel(Checkpoint(default_checkpoint().config, tensors), "folded", device)
    model = DeviceModel(default_checkpoint(), "folded", device)
    with pytest.raises(ValueError, match=r"^seed must be 1 to 4294967295"):
        model.many_streams(np.array([1, 0], dtype=np.uint32), 0.5)
    with pytest.raises(ValueError, match=r"temperature must be"):
        model.one_stream(1, 17.0, 1)
