"""What several tests need: the names, the committed checkpoint, and a small model of another shape."""

from __future__ import annotations

import os

import numpy as np
import pytest

from talos_ref.files import build_root
from talos_ref.model.checkpoint import Checkpoint, default_checkpoint
from talos_ref.model.config import ModelConfig
from talos_ref.model.words import load_names

# Yosys of PyPI compiles itself once for all tests, those with a build folder of their own included.
os.environ.setdefault("YOWASP_CACHE_DIR", str(build_root() / "yowasp"))

__all__ = ["checkpoint", "names", "small_checkpoint"]


@pytest.fixture(scope="session")
def names() -> list[str]:
    """The published names, from $TALOS_NAMES or downloaded; without them a run under CI=true fails."""
    try:
        return load_names()
    except OSError as error:
        if os.environ.get("CI", "").lower() in ("true", "1"):
            pytest.fail(f"the names are needed: {error}")
        pytest.skip(f"the names are needed: {error}")


@pytest.fixture(scope="session")
def checkpoint() -> Checkpoint:
    """The committed checkpoint."""
    return default_checkpoint()


@pytest.fixture(scope="session")
def small_checkpoint() -> Checkpoint:
    """Random weights of a model that shares no dimension with the published one, with two layers."""
    config = ModelConfig(alphabet="xyz é", block_size=7, n_embd=12, n_head=3, mlp_dim=20, n_layer=2)
    rng = np.random.default_rng(5)
    shapes = config.shapes().items()
    return Checkpoint(config, {name: rng.normal(0, 0.4, shape).astype(np.float32) for name, shape in shapes})
