"""ModelConfig: derived dimensions, checkpoint order, and every refusal."""

from __future__ import annotations

from typing import Any

import pytest

from talos_ref.model.config import MICROGPT, ModelConfig


def test_published_dimensions() -> None:
    assert (MICROGPT.vocab_size, MICROGPT.bos, MICROGPT.head_dim, MICROGPT.max_letters) == (27, 26, 4, 15)
    assert MICROGPT.alphabet == "abcdefghijklmnopqrstuvwxyz"
    assert sum(rows * columns for rows, columns in MICROGPT.shapes().values()) == 4192


def test_order_of_tensors() -> None:
    shapes = ModelConfig(n_layer=2, mlp_dim=20).shapes()
    layer = ["wq", "wk", "wv", "wo", "fc1", "fc2"]
    assert list(shapes) == ["wte", "wpe", "lm_head", *(f"layer{i}.{name}" for i in range(2) for name in layer)]
    assert shapes["wpe"] == (16, 16)
    assert shapes["layer1.fc1"] == (20, 16)
    assert shapes["layer1.fc2"] == (16, 20)


def test_letters() -> None:
    config = ModelConfig(alphabet="xyé")
    assert config.encode("éx") == [2, 0]
    assert config.decode([2, 0, 3]) == "éx"
    with pytest.raises(ValueError, match=r"^text must hold letters of 'xyé' only, not 'a'$"):
        config.encode("xa")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("alphabet", "", r"alphabet must have 1 to 255 letters, not 0"),
        ("alphabet", "aba", r"alphabet must not repeat a letter, not 'aba'"),
        ("alphabet", "".join(map(chr, range(256))), r"alphabet must have 1 to 255 letters, not 256"),
        ("block_size", 1, r"block_size must be 2 to 256, not 1"),
        ("n_embd", 257, r"n_embd must be 2 to 256, not 257"),
        ("n_embd", 18, r"n_embd must be a multiple of n_head \(4\), not 18"),
        ("n_head", 0, r"n_head must be 1 to 64, not 0"),
        ("mlp_dim", -1, r"mlp_dim must be 1 to 1024, not -1"),
        ("n_layer", 17, r"n_layer must be 1 to 16, not 17"),
    ],
)
def test_refused_values(field: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        ModelConfig(**{field: value})


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("alphabet", 5, "alphabet must be a string, not 5"),
        ("n_embd", 16.0, r"n_embd must be an integer, not 16\.0"),
        ("n_layer", True, "n_layer must be an integer, not True"),
    ],
)
def test_refused_kinds(field: str, value: Any, message: str) -> None:
    with pytest.raises(TypeError, match=f"^{message}$"):
        ModelConfig(**{field: value})
