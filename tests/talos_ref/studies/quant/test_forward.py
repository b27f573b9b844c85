"""The watched float model: the same logits, and every operand of a product is seen."""

from __future__ import annotations

import numpy as np
import pytest

from talos_ref.golden.float_model import FloatModel
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.studies.quant.forward import Array, forward

SEEN = ("norm", "q", "k", "v", "weights", "mixed", "norm2", "hidden")


@pytest.mark.parametrize("which", ["checkpoint", "small_checkpoint"])
def test_logits_of_the_float_model(which: str, request: pytest.FixtureRequest) -> None:
    checkpoint: Checkpoint = request.getfixturevalue(which)
    config = checkpoint.config
    tokens = np.random.default_rng(3).integers(0, config.vocab_size, (20, config.block_size))
    model = FloatModel(checkpoint)
    seen: list[str] = []

    def note(name: str, vectors: Array) -> Array:
        seen.append(name)
        return vectors

    assert np.abs(forward(model.tensors, config, tokens, note) - model.batched_logits(tokens)).max() < 1e-12
    assert seen == [f"layer{layer}.{name}" for layer in range(config.n_layer) for name in SEEN] + ["x"]
    single = forward(checkpoint.tensors, config, tokens)
    assert single.dtype == np.float32
    assert 0 < np.abs(single - model.batched_logits(tokens)).max() < 1e-4


@pytest.mark.parametrize("name", [*(f"layer0.{name}" for name in SEEN), "x"])
def test_what_is_seen_goes_on(checkpoint: Checkpoint, name: str) -> None:
    tokens = np.array([[26, 3, 0]])
    changed = forward(
        checkpoint.tensors, checkpoint.config, tokens, lambda at, vectors: vectors * (1.5 if at == name else 1)
    )
    assert np.abs(changed - forward(checkpoint.tensors, checkpoint.config, tokens)).max() > 1e-3
