"""Single streams of every kernel against the scalar kernel's: random histories, in which any token may be the first."""

from __future__ import annotations

from pathlib import Path

import pytest

from host_c import kernels
from host_c.binding.model_file import write_model
from tests.helpers.histories import assert_same_histories, build_histories
from tests.helpers.small_models import MODELS

OURS = [(name, kernel) for name in ("float", "precise", "folded") for kernel in kernels(name) if kernel != "scalar"]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_histories(tmp_path_factory.mktemp("histories"), x86=True)


@pytest.mark.parametrize("which", MODELS)
@pytest.mark.parametrize(("name", "kernel"), OURS)
def test_kernel_has_the_logits_of_the_scalar_one(
    name: str, kernel: str, which: str, program: Path, tmp_path: Path
) -> None:
    path = write_model(MODELS[which], tmp_path / "model.bin")
    assert_same_histories(program, path, MODELS[which].config, name, kernel)
