"""The MLX loop writes the float model's names: in MLX where it is installed, else with NumPy in its place."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from host_c.bench.rows import mlx_rows
from talos_ref.baselines import mlx_fp32, numpy_fp32
from talos_ref.model.checkpoint import Checkpoint


def _softmax(x: Any, axis: int = -1) -> Any:
    weights = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return weights / weights.sum(axis=axis, keepdims=True)


@pytest.fixture
def mlx(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `mlx.core` be importable."""
    if importlib.util.find_spec("mlx") is not None:
        return
    package, core = ModuleType("mlx"), ModuleType("mlx.core")
    plain = ("array", "mean", "reshape", "concatenate", "sum", "expand_dims", "maximum", "cumsum")
    functions: dict[str, Any] = {name: getattr(np, name) for name in plain}
    functions |= {"rsqrt": lambda x: 1 / np.sqrt(x), "softmax": _softmax}
    for name, function in functions.items():
        setattr(core, name, function)
    monkeypatch.setitem(sys.modules, "mlx", package)
    monkeypatch.setitem(sys.modules, "mlx.core", core)


@pytest.mark.parametrize(("which", "temperature"), [("checkpoint", 0.5), ("checkpoint", 2.0), ("small_checkpoint", 1)])
@pytest.mark.usefixtures("mlx")
def test_names_of_the_float_loops(which: str, temperature: float, request: pytest.FixtureRequest) -> None:
    checkpoint = request.getfixturevalue(which)
    assert mlx_fp32.generate(checkpoint, 1, temperature, 60) == numpy_fp32.generate(checkpoint, 1, temperature, 60)


@pytest.mark.usefixtures("mlx")
def test_row_is_measured_once_its_names_are_right(checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    [(row, work, _)] = mlx_rows(checkpoint)
    assert row.name == "MLX float32"
    assert work(20) == sum(min(len(name) + 1, 15) for name in numpy_fp32.generate(checkpoint, 1, 0.5, 20))
    monkeypatch.setattr(mlx_fp32, "generate", lambda *_: [[0]] * 20)
    with pytest.raises(RuntimeError, match="MLX must write the names of NumPy"):
        mlx_rows(checkpoint)
