"""From tensors under the names of other trainers to a checkpoint."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import MICROGPT, ModelConfig
from talos_ref.model.word_report import listed

__all__ = ["MAX_BYTES", "checkpoint_of", "tensor_name"]

Tensors = dict[str, npt.NDArray[np.float32]]

MAX_BYTES = 1 << 26
"""Largest file that is imported; the published one has 17,520 bytes."""

_WRAPPERS = ("module.", "_orig_mod.", "model.", "transformer.", "gpt.")
_LAYER = re.compile(r"(?:(?:layers?|blocks?|h)[._]?(\d{1,3})[._])?(.+)")
_GROUP = re.compile(r"(?:(self_attn|attn|attention|sa|mlp|ffn|ff|feed_forward)_)?(.+)")

_OF_ATTENTION = ("self_attn", "attn", "attention", "sa")

Table = dict[str, tuple[str, ...]]
_OUTSIDE: Table = {
    "wte": ("wte", "tok_emb", "token_emb", "tok_embeddings", "token_embedding", "token_embedding_table",
            "embed_tokens", "embed"),
    "wpe": ("wpe", "pos_emb", "pos_embedding", "position_embedding", "position_embedding_table", "embed_positions"),
    "lm_head": ("lm_head", "head", "output", "unembed"),
}  # fmt: skip
_ATTENTION: Table = {
    "wq": ("wq", "q", "q_proj", "query"),
    "wk": ("wk", "k", "k_proj", "key"),
    "wv": ("wv", "v", "v_proj", "value"),
    "wo": ("wo", "o", "o_proj", "out_proj", "out", "proj", "c_proj"),
    "wqkv": ("c_attn", "qkv", "qkv_proj", "in_proj"),
}
_MLP: Table = {
    "fc1": ("fc1", "c_fc", "up", "up_proj", "w1", "0", "linear1"),
    "fc2": ("fc2", "c_proj", "down", "down_proj", "w2", "2", "linear2"),
}
_ALONE = {"wq", "wk", "wv", "wo", "fc1", "fc2", "q_proj", "k_proj", "v_proj", "o_proj", "up_proj", "down_proj", "c_fc"}
"""Names of a layer's tensors that need no ``attn.`` or ``mlp.`` before them."""


def _found(name: str, table: Table) -> str | None:
    return next((ours for ours, theirs in table.items() if name in theirs), None)


def tensor_name(key: str) -> str | None:
    """Return our name of a tensor that another trainer calls ``key``; None if it is unknown.

    ``layer0.attn_wq``, ``layers.0.attn.wq``, ``transformer.h.0.attn.q_proj.weight`` and, for layer 0, ``wq`` are all
    ``layer0.wq``; a matrix of queries, keys and values in one, ``h.0.attn.c_attn``, is ``layer0.wqkv``.
    """
    name = key
    while wrapper := next((prefix for prefix in _WRAPPERS if name.startswith(prefix)), None):
        name = name.removeprefix(wrapper)
    layer, rest = _LAYER.fullmatch(name.removesuffix(".weight") or "-").groups()  # type: ignore[union-attr]
    rest = rest.replace(".", "_")
    if layer is None and (outside := _found(rest, _OUTSIDE)):
        return outside
    group, inner = _GROUP.fullmatch(rest).groups()  # type: ignore[union-attr]
    if group is None and inner not in _ALONE:
        return None
    table = _ATTENTION | _MLP if group is None else _ATTENTION if group in _OF_ATTENTION else _MLP
    ours = _found(inner, table)
    return None if ours is None else f"layer{int(layer or 0)}.{ours}"


def _float32(key: str, array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    if array.dtype.kind != "f":
        raise ValueError(f"{key!r} must be an array of floats, not of {array.dtype}")
    if array.ndim != 2:
        raise ValueError(f"{key!r} must have two dimensions, not shape {array.shape}")
    with np.errstate(over="ignore"):  # becomes an infinity, which Checkpoint refuses by name
        return array.astype(np.float32)


def _renamed(arrays: Mapping[str, npt.NDArray[Any]]) -> tuple[Tensors, list[str]]:
    """Return the tensors under our names, and the keys that are none of them."""
    tensors: Tensors = {}
    unknown: list[str] = []
    used: dict[str, str] = {}
    for key, array in arrays.items():
        if (name := tensor_name(key)) is None:
            unknown.append(key)
            continue
        value = _float32(key, array)
        parts = {name: value}
        if name.endswith(".wqkv"):
            layer, (rows, columns) = name.removesuffix(".wqkv"), value.shape
            if rows != 3 * columns:
                raise ValueError(f"{key!r} must have three times as many rows as columns, not shape {value.shape}")
            thirds = value.reshape(3, columns, columns)
            parts = {f"{layer}.{part}": third for part, third in zip(("wq", "wk", "wv"), thirds, strict=True)}
        for part, piece in parts.items():
            if part in used:
                raise ValueError(f"tensor {part!r} must appear once; {used[part]!r} and {key!r} are both it")
            used[part], tensors[part] = key, piece
    return tensors, unknown


def _config(tensors: Tensors, n_layer: int, given: Mapping[str, Any]) -> ModelConfig:
    """Return the model that has these shapes, and ``given`` for what does not follow from them."""
    vocab, n_embd = tensors["wte"].shape
    follows = {
        "block_size": tensors["wpe"].shape[0],
        "n_embd": n_embd,
        "mlp_dim": tensors["layer0.fc1"].shape[0],
        "n_layer": n_layer,
    }
    for name, value in follows.items():
        if given.get(name, value) != value:
            raise ValueError(f"{name} must be {value}, as the tensors have it, not {given[name]!r}")
    published = {name: tensor.shape for name, tensor in tensors.items()} == MICROGPT.shapes()
    chosen: dict[str, Any] = {"n_head": MICROGPT.n_head, "alphabet": MICROGPT.alphabet} if published else {}
    chosen |= {name: given[name] for name in ("n_head", "alphabet") if name in given}
    wanted = []
    if "n_head" not in chosen:
        wanted.append(f"--n-head N, a divisor of n_embd ({n_embd})")
    if "alphabet" not in chosen:
        wanted.append(f"--alphabet LETTERS, {vocab - 1} by token number, or --names FILE, the words it learnt")
    if wanted:
        raise ValueError(f"what does not follow from the shapes must be given: {'; '.join(wanted)}")
    if len(chosen["alphabet"]) != vocab - 1:
        letters = f"{vocab - 1} letters, as wte has {vocab} rows and the last is BOS"
        raise ValueError(f"alphabet must have {letters}, not {len(chosen['alphabet'])}")
    return ModelConfig(**follows, **chosen)


def checkpoint_of(arrays: Mapping[str, npt.NDArray[Any]], given: Mapping[str, Any]) -> Checkpoint:
    """Return the checkpoint of ``arrays``, named as other trainers do (`tensor_name`).

    Dimensions follow from the shapes; ``n_head`` and ``alphabet`` do not and must be ``given``, except with the
    published shapes, which have the published ones. Raises ValueError if a tensor is missing, unknown or there twice
    (all of them are listed), is not of floats, or does not fit the others, and if a given field contradicts the shapes.
    """
    if unknown := set(given) - {field.name for field in fields(ModelConfig)}:
        raise ValueError(f"{sorted(unknown)[0]!r} is no field of a model")
    tensors, strange = _renamed(arrays)
    layers = [int(name.split(".")[0].removeprefix("layer")) for name in tensors if "." in name]
    n_layer = 1 + max(layers, default=0)
    missing = [name for name in ModelConfig(n_layer=min(n_layer, 16)).shapes() if name not in tensors]
    if missing or strange:
        lists = {"missing": missing, "unknown": strange, "found": list(tensors)}
        told = [f"{what} {listed(names)}" for what, names in lists.items() if names]
        raise ValueError(f"its tensors must be those of a microGPT: {'; '.join(told)}")
    return Checkpoint(_config(tensors, n_layer, given), tensors)
