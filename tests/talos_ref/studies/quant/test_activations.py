"""Activations of 8 bits: the first step of a name in plain integers, and what saturates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from talos_ref.model.checkpoint import Checkpoint
from talos_ref.studies.quant import activations
from talos_ref.studies.quant.activations import per_tensor_logits, per_vector_logits
from talos_ref.studies.quant.forward import Array, Seen, forward

Integers = tuple[list[int], float]
"""Integers of a vector, and what one step of them stands for."""


def integers(values: list[float], scale: float | None = None) -> Integers:
    scale = (max(map(abs, values)) or 1.0) / 127 if scale is None else scale
    return [max(-127, min(127, round(value / scale))) for value in values], scale


def first_logits(checkpoint: Checkpoint, token: int, scales: dict[str, float]) -> list[float]:
    """Logits after one token at position 0, every product a sum of integers."""
    matrices = {}
    for name, tensor in checkpoint.tensors.items():
        step = float(np.abs(tensor).max()) / 127
        matrices[name] = [[round(value / step) for value in row] for row in tensor.tolist()], step

    def product(name: str, vector: Integers) -> list[float]:
        rows, step = matrices[name]
        return [sum(a * b for a, b in zip(row, vector[0], strict=True)) * step * vector[1] for row in rows]

    def norm(values: list[float]) -> list[float]:
        scale = (sum(value * value for value in values) / len(values) + 1e-5) ** -0.5
        return [value * scale for value in values]

    def rounded(name: str, values: list[float]) -> Integers:
        return integers(values, scales.get(name))

    (wte, t), (wpe, p) = matrices["wte"], matrices["wpe"]
    x = norm([a * t + b * p for a, b in zip(wte[token], wpe[0], strict=True)])
    v = product("layer0.wv", rounded("layer0.norm", norm(x)))
    # The only position has all of the weight, so that attention gives the values back, which have a scale a head.
    heads = [v[start : start + 4] for start in range(0, 16, 4)]
    mixed = [n * step for head in heads for ns, step in [rounded("layer0.v", head)] for n in ns]
    out = product("layer0.wo", rounded("layer0.mixed", mixed))
    x = [a + b for a, b in zip(x, out, strict=True)]
    hidden = [max(0.0, value) for value in product("layer0.fc1", rounded("layer0.norm2", norm(x)))]
    x = [a + b for a, b in zip(x, product("layer0.fc2", rounded("layer0.hidden", hidden)), strict=True)]
    return product("lm_head", rounded("x", x))


@pytest.mark.parametrize("token", [26, 0, 16])
def test_per_vector(checkpoint: Checkpoint, token: int) -> None:
    logits = per_vector_logits(checkpoint)(np.array([[token]]))[0, 0]
    assert logits == pytest.approx(first_logits(checkpoint, token, {}), abs=1e-5)


def test_per_tensor(checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, float] = {}

    def watched(tensors: Any, config: Any, tokens: Any, seen: Seen) -> Array:
        def note(name: str, vectors: Array) -> Array:
            found.setdefault(name, float(np.abs(vectors).max()) / 127)
            return seen(name, vectors)

        return forward(tensors, config, tokens, note)

    # A list of one word without padding: its largest magnitudes are the scales.
    word = "abcdefghijklmnop"
    monkeypatch.setattr(activations, "forward", watched)
    model = per_tensor_logits(checkpoint, [word])
    scales = dict(found)
    monkeypatch.undo()
    assert len(scales) == 9
    for token in (26, 16):
        logits = model(np.array([[token]]))[0, 0]
        assert logits == pytest.approx(first_logits(checkpoint, token, scales), abs=1e-5)


def test_padding_sets_no_scale(checkpoint: Checkpoint) -> None:
    tokens = np.array([[26, 4, 12, 12, 0]])
    alone, beside = (per_tensor_logits(checkpoint, words)(tokens) for words in (["emma"], ["emma", "emma"]))
    assert np.array_equal(alone, beside)
    longer = per_tensor_logits(checkpoint, ["emma", "quxzquxz"])(tokens)
    assert not np.array_equal(alone, longer)
