"""The golden model: one step of the transformer in integers, readable as the formula it is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from talos_ref.golden.arithmetic import Arithmetic
from talos_ref.golden.attention import attend
from talos_ref.golden.kv_cache import KVCache
from talos_ref.golden.linear import Matrix, matvec
from talos_ref.model.checkpoint import Checkpoint, quantise
from talos_ref.model.config import ModelConfig

__all__ = ["IntegerModel", "fold_head"]


def fold_head(lm_head: Matrix, fc2: Matrix, arithmetic: Arithmetic) -> list[list[int]]:
    """Return ``lm_head · fc2`` (vocab × mlp_dim), each exact sum rounded once to a word.

    Raises ValueError if an entry does not fit the word, since a saturated constant would change the model.
    """
    columns = list(zip(*fc2, strict=True))
    folded = [[arithmetic.linear.requantise(total) for total in matvec(columns, row)] for row in lm_head]
    word = arithmetic.word
    if any(value in (word.low, word.high) for row in folded for value in row):
        raise ValueError(f"lm_head · fc2 must fit {word}: use talos-v2, or a checkpoint with smaller weights")
    return folded


class IntegerModel:
    """A quantised checkpoint under one arithmetic.

    ``logits`` computes

        x = norm(wte[token] + wpe[position])
        x = x + Wo · attend(norm(x))
        x = x + fc2 · relu(fc1 · norm(x))
        logits = lm_head · x

    A deferred arithmetic computes the MLP as ``s · (fc2 · relu(fc1 · x))`` with ``s`` the scale of ``x``, and in the
    last layer ``logits = lm_head · x + s · (folded · relu(fc1 · x))`` with ``folded = lm_head · fc2``.
    """

    def __init__(self, checkpoint: Checkpoint, arithmetic: Arithmetic) -> None:
        self.config: ModelConfig = checkpoint.config
        self.arithmetic = arithmetic
        words: Mapping[str, np.ndarray] = quantise(checkpoint, arithmetic.word)
        self.tensors: dict[str, list[list[int]]] = {name: array.tolist() for name, array in words.items()}
        if arithmetic.deferred:
            last = f"layer{self.config.n_layer - 1}.fc2"
            self.tensors["folded"] = fold_head(self.tensors["lm_head"], self.tensors[last], arithmetic)

    @property
    def greedy_at_zero(self) -> bool:
        """Whether temperature 0 means the argmax."""
        return self.arithmetic.sampler.greedy_at_zero

    def new_cache(self) -> KVCache:
        """Return an empty cache."""
        return KVCache(self.config)

    def embed(self, token: int, position: int) -> list[int]:
        """Return the normalised embedding, n_embd words."""
        return self.arithmetic.normalise(
            self.arithmetic.add(self.tensors["wte"][token], self.tensors["wpe"][position])
        )

    def query_key_value(self, x: list[int], layer: int) -> tuple[list[int], list[int], list[int]]:
        """Return q, k and v of a layer's input, n_embd words each."""
        arithmetic, prefix = self.arithmetic, f"layer{layer}."
        normed = arithmetic.normalise(x)
        k, v = (arithmetic.linear.compute(self.tensors[prefix + name], normed) for name in ("wk", "wv"))
        totals = matvec(self.tensors[prefix + "wq"], normed)
        if arithmetic.scaled_linear is None:
            return [arithmetic.linear.requantise(total) for total in totals], k, v
        scale = arithmetic.attention.query_scale  # type: ignore[union-attr]
        return [arithmetic.scaled_linear.requantise(total, scale) for total in totals], k, v

    def hidden(self, x: list[int], layer: int) -> list[int]:
        """Return the hidden units of a layer's MLP, mlp_dim words, not negative; before the scale where it is
        deferred."""
        normed = x if self.arithmetic.deferred else self.arithmetic.normalise(x)
        return [max(value, 0) for value in self.arithmetic.linear.compute(self.tensors[f"layer{layer}.fc1"], normed)]

    def logits(self, token: int, position: int, cache: KVCache) -> list[int]:
        """Return the logits after ``token`` at ``position``, vocab_size words; its keys and values join the cache.

        Raises ValueError if the token or the position is out of range, or the position is not the cache's next.
        """
        if not 0 <= token < self.config.vocab_size:
            raise ValueError(f"token must be 0 to {self.config.vocab_size - 1}, not {token!r}")
        if not 0 <= position < self.config.block_size:
            raise ValueError(f"position must be 0 to {self.config.block_size - 1}, not {position!r}")
        if position != len(cache):
            raise ValueError(f"position must be {len(cache)}, the cache's next, not {position!r}")
        arithmetic, linear = self.arithmetic, self.arithmetic.linear
        x = self.embed(token, position)
        for layer in range(self.config.n_layer):
            prefix = f"layer{layer}."
            q, k, v = self.query_key_value(x, layer)
            cache.layers[layer].keys.append(k)
            cache.layers[layer].values.append(v)
            attended = attend(arithmetic.attention, q, cache.layers[layer])
            x = arithmetic.add(x, linear.compute(self.tensors[prefix + "wo"], attended))
            hidden = self.hidden(x, layer)
            if arithmetic.scaled_linear is None:
                x = arithmetic.add(x, linear.compute(self.tensors[prefix + "fc2"], hidden))
                continue
            scale, scaled = arithmetic.rmsnorm.scale(x), arithmetic.scaled_linear
            if layer == self.config.n_layer - 1:
                heads = zip(matvec(self.tensors["folded"], hidden), matvec(self.tensors["lm_head"], x), strict=True)
                return [scaled.requantise(total, scale, addend) for total, addend in heads]
            totals = matvec(self.tensors[prefix + "fc2"], hidden)
            x = arithmetic.add(x, [scaled.requantise(total, scale) for total in totals])
        return linear.compute(self.tensors["lm_head"], x)

    def draw(self, logits: list[int], temperature: int, rng: int) -> int:
        """Return the token drawn at a temperature (UQ8.8) with the state ``rng``."""
        return self.arithmetic.sampler.draw(logits, temperature, rng)
