"""Tensors under the names of other trainers: which are known, what follows from shapes, and what is asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig
from talos_ref.model.import_tensors import checkpoint_of, tensor_name

PARTS = {"wq": "q_proj", "wk": "k_proj", "wv": "v_proj", "wo": "o_proj", "fc1": "up_proj", "fc2": "down_proj"}


def attention(tensor: str) -> bool:
    return tensor.startswith("w")


SPELLINGS: dict[str, Callable[[str, str], str]] = {
    "ours": lambda layer, tensor: f"layer{layer}.{tensor}",
    "published": lambda layer, tensor: f"layer{layer}.{'attn' if attention(tensor) else 'mlp'}_{tensor}",
    "dots": lambda layer, tensor: f"layers.{layer}.{'attn' if attention(tensor) else 'mlp'}.{tensor}.weight",
    "llama": lambda layer, tensor: (
        f"model.layers.{layer}.{'self_attn' if attention(tensor) else 'mlp'}.{PARTS[tensor]}.weight"
    ),
    "nanoGPT": lambda layer, tensor: (
        f"transformer.h.{layer}."
        + {"wo": "attn.c_proj", "fc1": "mlp.c_fc", "fc2": "mlp.c_proj"}.get(tensor, f"attn.{tensor}")
        + ".weight"
    ),
    "blocks": lambda layer, tensor: (
        f"module.blocks.{layer}."
        + {"wq": "attention.query", "wk": "attention.key", "wv": "attention.value", "wo": "attention.out_proj",
           "fc1": "ffn.0", "fc2": "ffn.2"}[tensor]
    ),
    "llama2.c": lambda layer, tensor: (
        f"layers.{layer}." + {"fc1": "feed_forward.w1", "fc2": "feed_forward.w2"}.get(tensor, f"attention.{tensor}")
    ),
}  # fmt: skip
OUTSIDE: dict[str, tuple[str, str, str]] = {
    "ours": ("wte", "wpe", "lm_head"),
    "published": ("wte", "wpe", "lm_head"),
    "dots": ("wte.weight", "wpe.weight", "lm_head.weight"),
    "llama": ("model.embed_tokens.weight", "model.embed_positions.weight", "lm_head.weight"),
    "nanoGPT": ("transformer.wte.weight", "transformer.wpe.weight", "lm_head.weight"),
    "blocks": ("module.token_embedding_table.weight", "module.position_embedding_table.weight", "module.head.weight"),
    "llama2.c": ("tok_embeddings.weight", "pos_emb.weight", "output.weight"),
}


def spelled(checkpoint: Checkpoint, spelling: str) -> dict[str, Any]:
    outside = dict(zip(("wte", "wpe", "lm_head"), OUTSIDE[spelling], strict=True))
    keys = {}
    for name, tensor in checkpoint.tensors.items():
        layer, _, inner = name.removeprefix("layer").partition(".")
        keys[outside[name] if name in outside else SPELLINGS[spelling](layer, inner)] = tensor
    assert len(keys) == len(checkpoint.tensors)
    return keys


def given(checkpoint: Checkpoint) -> dict[str, Any]:
    return {"n_head": checkpoint.config.n_head, "alphabet": checkpoint.config.alphabet}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spellings(spelling: str, small_checkpoint: Checkpoint) -> None:
    assert checkpoint_of(spelled(small_checkpoint, spelling), given(small_checkpoint)) == small_checkpoint


def test_queries_keys_and_values_in_one(small_checkpoint: Checkpoint) -> None:
    keys = spelled(small_checkpoint, "nanoGPT")
    for layer in range(2):
        three = [keys.pop(f"transformer.h.{layer}.attn.{name}.weight") for name in ("wq", "wk", "wv")]
        keys[f"transformer.h.{layer}.attn.c_attn.weight"] = np.concatenate(three)
    assert checkpoint_of(keys, given(small_checkpoint)) == small_checkpoint
    keys["transformer.h.0.attn.c_attn.weight"] = keys["transformer.h.0.attn.c_attn.weight"].T
    with pytest.raises(ValueError, match=r"^'transformer\.h\.0\.attn\.c_attn\.weight' must have three times"):
        checkpoint_of(keys, given(small_checkpoint))


@pytest.mark.parametrize(
    "key", ["", ".weight", "wte.bias", "h.0.ln_1.weight", "h.0.attn.bias", "layers.0.mlp.gate_proj.weight", "layer0.q",
            "q", "proj", "0", "h.1234.wq", "layers.x.wq", "attn", "rope.freqs", "h.0.mlp.wq", "h.0.attn.fc1", "norm"]
)  # fmt: skip
def test_unknown_names(key: str) -> None:
    assert tensor_name(key) is None


def test_names_without_a_layer_are_of_layer_0() -> None:
    assert tensor_name("wq") == tensor_name("attn.wq") == tensor_name("attn_wq") == "layer0.wq"
    assert tensor_name("mlp.fc2") == tensor_name("fc2.weight") == "layer0.fc2"


def test_missing_unknown_and_found_are_listed(small_checkpoint: Checkpoint) -> None:
    keys = spelled(small_checkpoint, "dots")
    for key in ("wpe.weight", "layers.1.mlp.fc1.weight"):
        del keys[key]
    keys["layers.0.ln_1.weight"] = np.ones(12, np.float32)
    with pytest.raises(ValueError, match=r"^its tensors must be those of a microGPT: ") as caught:
        checkpoint_of(keys, given(small_checkpoint))
    assert str(caught.value).endswith(
        "microGPT: missing wpe, layer1.fc1; unknown layers.0.ln_1.weight; "
        "found wte, lm_head, layer0.wq, layer0.wk, layer0.wv and 8 more"
    )


def test_a_layer_between_is_missing(small_checkpoint: Checkpoint) -> None:
    keys = {name.replace("layer1", "layer2"): tensor for name, tensor in small_checkpoint.tensors.items()}
    with pytest.raises(ValueError, match=r"missing layer1\.wq, layer1\.wk, layer1\.wv, layer1\.wo, layer1\.fc1 and 1"):
        checkpoint_of(keys, given(small_checkpoint))
    keys = {name.replace("layer1", "layer999"): tensor for name, tensor in small_checkpoint.tensors.items()}
    with pytest.raises(ValueError, match=r"missing layer1\.wq, .* and 85 more; found"):
        checkpoint_of(keys, given(small_checkpoint))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_head": None}, r"what does not follow .* must be given: --n-head N, a divisor of n_embd \(12\)$"),
        ({"alphabet": None}, "given: --alphabet LETTERS, 5 by token number, or --names FILE, the words it learnt$"),
        ({"n_head": 5}, r"^n_embd must be a multiple of n_head \(5\), not 12$"),
        ({"alphabet": "xyzé"}, "^alphabet must have 5 letters, as wte has 6 rows and the last is BOS, not 4$"),
        ({"alphabet": "xyzéa\a"}, "^alphabet must have 5 letters, as wte has 6 rows and the last is BOS, not 6$"),
        ({"alphabet": "xyzé\a"}, r"^alphabet must hold characters that can be seen, and blanks, not U\+0007 BELL$"),
        ({"block_size": 8}, "^block_size must be 7, as the tensors have it, not 8$"),
        ({"n_embd": 16}, "^n_embd must be 12, as the tensors have it, not 16$"),
        ({"mlp_dim": 48}, "^mlp_dim must be 20, as the tensors have it, not 48$"),
        ({"n_layer": 1}, "^n_layer must be 2, as the tensors have it, not 1$"),
        ({"layers": 1}, "^'layers' is no field of a model$"),
    ],
)
def test_what_does_not_follow(change: dict[str, Any], message: str, small_checkpoint: Checkpoint) -> None:
    options = {name: value for name, value in (given(small_checkpoint) | change).items() if value is not None}
    with pytest.raises(ValueError, match=message):
        checkpoint_of(small_checkpoint.tensors, options)


def test_dimensions_given_as_the_tensors_have_them(small_checkpoint: Checkpoint) -> None:
    every = dataclasses.asdict(small_checkpoint.config)
    assert checkpoint_of(small_checkpoint.tensors, every) == small_checkpoint


def test_the_published_shapes_need_nothing(checkpoint: Checkpoint) -> None:
    assert checkpoint_of(checkpoint.tensors, {}) == checkpoint
    other = checkpoint_of(checkpoint.tensors, {"n_head": 2, "alphabet": checkpoint.config.alphabet[::-1]})
    assert other.config == ModelConfig(n_head=2, alphabet=checkpoint.config.alphabet[::-1])


@pytest.mark.parametrize(
    ("key", "array", "message"),
    [
        ("wte", np.zeros((6, 12), np.int8), "^'wte' must be an array of floats, not of int8$"),
        ("wte", np.zeros((6, 12), np.complex64), "^'wte' must be an array of floats, not of complex64$"),
        ("wte", np.zeros(72), r"^'wte' must have two dimensions, not shape \(72,\)$"),
        ("wte", np.zeros((0, 12)), "^alphabet must have -1 letters|^alphabet must have"),
        ("layer0.wk", np.zeros((12, 11)), r"^tensor 'layer0\.wk' must have shape \(12, 12\), not \(12, 11\)$"),
        ("layer1.fc2", np.zeros((20, 12)), r"^tensor 'layer1\.fc2' must have shape \(12, 20\), not \(20, 12\)$"),
        ("wpe", np.full((7, 12), 1e39), r"^tensor 'wpe' must be finite, not inf at \[0, 0\]$"),
        ("wpe", np.zeros((300, 12)), "^block_size must be 2 to 256, not 300$"),
        ("attn.wq", np.zeros((12, 12)), r"^tensor 'layer0\.wq' must appear once; 'layer0\.wq' and 'attn\.wq' are both"),
    ],
)
def test_refused_tensors(key: str, array: Any, message: str, small_checkpoint: Checkpoint) -> None:
    with pytest.raises(ValueError, match=message):
        checkpoint_of(dict(small_checkpoint.tensors) | {key: array}, given(small_checkpoint))


@pytest.mark.parametrize("dtype", ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8"])
def test_every_float_is_converted(dtype: str, small_checkpoint: Checkpoint) -> None:
    arrays = {name: tensor.astype(dtype) for name, tensor in small_checkpoint.tensors.items()}
    found = checkpoint_of(arrays, given(small_checkpoint))
    for name, tensor in found.tensors.items():
        assert tensor.tobytes() == arrays[name].astype("<f4").tobytes(), name
