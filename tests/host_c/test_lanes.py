"""Streams in lanes against single streams: the same logits, and the same names at every temperature."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from host_c import Model, kernels
from host_c.binding.model_file import write_model
from tests.helpers.lanes import assert_same_logits, build_lanes
from tests.helpers.small_models import MODELS, small


@pytest.mark.parametrize("kernel", [name for name in kernels("float") if name in ("avx512", "avx2")])
def test_logits_in_lanes_are_those_of_single_streams(kernel: str, tmp_path: Path) -> None:
    """NEON has attention alone in lanes; what follows is the function of a single stream."""
    program = build_lanes(kernel, tmp_path)
    for model in MODELS.values():
        path = write_model(model, tmp_path / "model.bin")
        assert_same_logits(program, path, model.config)


@pytest.mark.parametrize("which", MODELS)
@pytest.mark.parametrize("temperature", [0.0, 0.0003, 0.0625, 0.25, 1.0, 16.0])
@pytest.mark.parametrize(("name", "kernel"), [(n, k) for n in ("float", "precise", "folded") for k in kernels(n)])
def test_names_at_any_temperature(which: str, temperature: float, name: str, kernel: str) -> None:
    if temperature == 0.0003 and name != "float":
        temperature = 0.07
    assert_same_names(Model(MODELS[which], name, kernel), temperature, 700)


@pytest.mark.parametrize("kernel", kernels("float"))
def test_weights_beyond_the_range_of_float(kernel: str) -> None:
    """Low temperatures, where some lanes of a vector overflow, some vanish and some do neither."""
    for seed in range(120):
        model = Model(small("abcdefgh"[: 1 + seed % 8], 9, seed), "float", kernel)
        for temperature in (0.0005, 0.004, 0.02):
            assert_same_names(model, temperature, 40)


def assert_same_names(model: Model, temperature: float, count: int) -> None:
    seeds = np.random.default_rng(6).integers(1, 1 << 32, count, dtype=np.uint32)
    rows, total = model.generate_counted(seeds, temperature, 1)
    stream, taken, bos = model.stream(1, temperature), 0, model.config.bos
    for row, seed in zip(rows.tolist(), seeds.tolist(), strict=True):
        stream.reset(seed)
        tokens, count = stream.generate(1)
        taken += count
        assert row == tokens.tolist() + [bos] * (len(row) - len(tokens)), f"seed {seed}"
    assert total == taken
