"""What the kernels of a GPU read: a model as host_c/kernels/cuda/layout.cuh lays it out, and a kernel's argument."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from talos_ref.golden.arithmetic import arithmetic
from talos_ref.golden.float_model import FloatModel
from talos_ref.golden.float_ops import NORM_EPS, rmsnorm
from talos_ref.golden.format import Q4_12
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig

__all__ = ["DESK", "JOB", "LAYOUTS", "POSITIONS", "TOKENS", "check_shape", "float_model", "folded_model"]

EMBD, UNITS, POSITIONS, TOKENS = 16, 64, 16, 32
"""Width, hidden units, positions and tokens that the kernels are written for; of the last two there may be fewer."""
HEADS = 4


def _rows(word: str) -> np.dtype[Any]:
    vectors = [(name, word, (EMBD,)) for name in "xqkv"]
    return np.dtype([*vectors, ("f1", word, (UNITS,)), ("l", word, (TOKENS,))])


def _model(word: str, norm: list[tuple[str, str, tuple[int, ...]]]) -> np.dtype[Any]:
    square = (EMBD, EMBD)
    return np.dtype(
        [
            ("vocab", "<i4"), ("letters", "<i4"), ("query_scale", word), ("unused", word), ("norm", norm),
            ("wte", word, (TOKENS, EMBD)), ("wpe", word, (POSITIONS, EMBD)),
            *[(name, word, square) for name in ("wq", "wk", "wv", "wo")],
            ("fc1", word, (UNITS, EMBD)), ("fc1_wo", word, (UNITS, EMBD)),
            ("head", word, (TOKENS, EMBD)), ("head_wo", word, (TOKENS, EMBD)),
            ("folded", word, (UNITS + 1, TOKENS)), ("first", word, (TOKENS, TOKENS)),
            ("rows", _rows(word), (TOKENS, POSITIONS)),
        ]
    )  # fmt: skip


_LINES = (192, 2)
"""Of the reciprocal square root: base and slope."""
LAYOUTS = {
    "folded": _model("<i4", [("eps", "<i8", ()), ("unit", "<i8", ()), ("lines", "<i4", _LINES)]),
    "float": _model("<f4", [("eps", "<f4", ()), ("unused", "<f4", (3,))]),
}
"""Arithmetic -> layout of a model."""
DESK = np.dtype(
    [(name, "<i4", (EMBD,)) for name in ("x", "normed", "q", "mixed", "stream")]
    + [("f1", "<i4", (UNITS,)), ("hidden", "<i4", (UNITS,)), ("l", "<i4", (TOKENS,)), ("logits", "<i4", (TOKENS,))]
    + [(name, "<i4", (POSITIONS, EMBD)) for name in "kv"]
    + [("rng", "<u4"), ("token", "<i4"), ("unused", "<i4", (2,))]
)
"""A step of the kernels that do one operation each; float32 has it, too."""
JOB = np.dtype(
    [(name, "<u8") for name in ("model", "desk", "seeds", "tokens", "logits", "counters", "names")]
    + [(name, "<u4") for name in ("seed", "temper", "position", "unused")]
)
"""The argument of a kernel; the first six are addresses on the device."""


def check_shape(config: ModelConfig) -> None:
    """Raise ValueError, with the dimension, for a model that the kernels are not written for."""
    for name, value in {"n_layer": 1, "n_embd": EMBD, "n_head": HEADS, "mlp_dim": UNITS}.items():
        if getattr(config, name) != value:
            raise ValueError(f"{name} must be {value} on a GPU, not {getattr(config, name)}")
    for name, most in {"vocab_size": TOKENS, "block_size": POSITIONS}.items():
        if getattr(config, name) > most:
            raise ValueError(f"{name} must be at most {most} on a GPU, not {getattr(config, name)}")


def _begin(checkpoint: Checkpoint, name: str) -> npt.NDArray[Any]:
    config = checkpoint.config
    check_shape(config)
    m = np.zeros((), dtype=LAYOUTS[name])
    m["vocab"], m["letters"] = config.vocab_size, config.max_letters
    return m


def _matrices(m: npt.NDArray[Any], tensors: dict[str, npt.NDArray[Any]]) -> None:
    """Place tensors [rows, columns] by their names here, from row 0 on."""
    for name, tensor in tensors.items():
        m[name][: len(tensor), : tensor.shape[1]] = tensor


def folded_model(checkpoint: Checkpoint) -> npt.NDArray[Any]:
    """Return a checkpoint in words of Q4.12 as `folded` multiplies them: rows and first logits from the golden model.

    Raises ValueError for another shape, and for weights whose products may not fit 32 bits.
    """
    m, config = _begin(checkpoint, "folded"), checkpoint.config
    model = IntegerModel(checkpoint, arithmetic("folded", config, Q4_12))
    tensors = {name.removeprefix("layer0."): np.array(rows) for name, rows in model.tensors.items()}
    for name in ("wo", "fc1_wo", "lm_head_wo"):
        # An output of attention is a word, and what is added to the product another one with twelve zeros below.
        if np.abs(tensors[name]).sum(axis=1).max() >= (1 << 16) - (1 << 12) - 1:
            raise ValueError(f"{name} must have rows of absolute sums below 15 on a GPU")
    _matrices(m, {name: tensors[name] for name in ("wte", "wpe", "wq", "wk", "wv", "wo", "fc1", "fc1_wo")})
    _matrices(m, {"head": tensors["lm_head"], "head_wo": tensors["lm_head_wo"], "folded": tensors["folded"].T})
    norm, query_scale = model.arithmetic.rmsnorm, model.arithmetic.attention.query_scale
    table = norm.constants()["rsqrt"]
    m["query_scale"] = query_scale
    m["norm"]["eps"], m["norm"]["unit"] = norm.constants()["eps"], norm.constants()["unit_exponent"]
    m["norm"]["lines"] = table["lines"]
    one = 1 << Q4_12.fraction
    for token in range(config.vocab_size):
        m["first"][token, : config.vocab_size] = model.logits(token, 0, model.new_cache())
        for position in range(config.block_size):
            row = m["rows"][token, position]
            x = model.embed(token, position)
            row["x"], (row["q"], row["k"], row["v"]) = x, model.query_key_value(x, 0)
            hidden, logits = model.arithmetic.mlp.addends(model.tensors, "layer0.", x)
            row["f1"], row["l"][: config.vocab_size] = np.array(hidden) * one, np.array(logits) * one
    return m


def float_model(checkpoint: Checkpoint) -> npt.NDArray[Any]:
    """Return a checkpoint in float32, whose products of matrices and rows are made in float64; ValueError as above."""
    m, config = _begin(checkpoint, "float"), checkpoint.config
    model = FloatModel(checkpoint)
    t = {name.removeprefix("layer0."): tensor for name, tensor in model.tensors.items()}
    head, vocab = t["lm_head"], config.vocab_size
    _matrices(m, {name: t[name] for name in ("wte", "wpe", "wq", "wk", "wv", "wo", "fc1")})
    _matrices(m, {"head": head, "head_wo": head @ t["wo"], "fc1_wo": t["fc1"] @ t["wo"], "folded": (head @ t["fc2"]).T})
    query_scale = math.log2(math.e) / math.sqrt(config.head_dim)
    m["query_scale"], m["norm"]["eps"] = query_scale, NORM_EPS
    x = rmsnorm(t["wte"][:, None] + t["wpe"])  # [token, position, n_embd]
    normed, rows = rmsnorm(x), m["rows"][:vocab, : config.block_size]
    rows["x"], rows["q"] = x, normed @ t["wq"].T * query_scale
    rows["k"], rows["v"], rows["f1"] = normed @ t["wk"].T, normed @ t["wv"].T, x @ t["fc1"].T
    rows["l"][..., :vocab] = x @ head.T
    m["first"][:vocab, :vocab] = model.batched_logits(np.arange(vocab)[:, None])[:, 0]
    return m
