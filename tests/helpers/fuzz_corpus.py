"""Seeds of the fuzzer: `python -m tests.helpers.fuzz_corpus FOLDER` writes small models and their damaged forms."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from host_c.binding.model_file import model_bytes
from talos_ref.files import write_bytes
from talos_ref.golden.format import Q4_12, Q5_12, Q6_12, Format
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig

__all__ = ["seeds"]

_TINY = ModelConfig(alphabet="a", block_size=2, n_embd=2, n_head=1, mlp_dim=1)
_DEEP = ModelConfig(alphabet="abc", block_size=3, n_embd=4, n_head=1, mlp_dim=3, n_layer=2)
_SHIPPED_SHAPE = ModelConfig(alphabet="ab", block_size=4)


def _model(config: ModelConfig, spread: float, word: Format = Q4_12) -> bytes:
    rng = np.random.default_rng(1)
    return model_bytes(
        Checkpoint(config, {n: rng.normal(0, spread, s).astype(np.float32) for n, s in config.shapes().items()}), word
    )


def seeds() -> Iterator[tuple[str, bytes]]:
    """Yield (file name, contents): a byte that chooses float32, precise or talos-v2 (modulo 3), and a model file."""
    models = {"tiny": _model(_TINY, 0.3), "deep": _model(_DEEP, 0.3), "shape": _model(_SHIPPED_SHAPE, 0.1)}
    for name, model in models.items():
        for choice in (0, 1, 2, 4 + 126, 4 + 127):
            yield f"{name}-{choice}", bytes([choice]) + model
    for word in (Q5_12, Q6_12):
        yield f"deep-{word.width}-bits", b"\x01" + _model(_DEEP, 8.0, word)
    yield "first-version", b"\x01" + models["tiny"][:8] + b"\x01\0\0\0" + models["tiny"][12:]
    yield "empty", b""
    yield "header", b"\x01" + models["tiny"][:64]
    yield "truncated", b"\x01" + models["deep"][:-3]
    yield "longer", b"\x00" + models["deep"] + b"\0\0\0\0"
    yield "large-weights", bytes([128]) + _model(_SHIPPED_SHAPE, 50.0)
    yield "infinite", bytes([128]) + models["tiny"][:-4] + b"\0\0\x80\x7f"


if __name__ == "__main__":
    for seed_name, contents in seeds():
        write_bytes(Path(sys.argv[1]) / seed_name, contents)
