"""The golden model: one step of the transformer in integers, readable as the formula it is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from talos_ref.golden.arrays import Saturate, saturate
from talos_ref.golden.attention import attend
from talos_ref.golden.datapath import Arithmetic
from talos_ref.golden.kv_cache import KVCache
from talos_ref.golden.linear import matvec
from talos_ref.model.checkpoint import Checkpoint, quantise
from talos_ref.model.config import ModelConfig

__all__ = ["IntegerModel", "constant_words"]


def constant_words(
    checkpoint: Checkpoint, arithmetic: Arithmetic, saturate: Saturate = saturate
) -> dict[str, npt.NDArray[np.int64]]:
    """Return name -> words [rows, columns] of every weight, and of the constants that the arithmetic makes of them."""
    words = {name: array.astype(np.int64) for name, array in quantise(checkpoint, arithmetic.word).items()}
    return words | arithmetic.mlp.fold(words, checkpoint.config, saturate)


class IntegerModel:
    """A quantised checkpoint under one arithmetic.

    ``logits`` computes

        x = norm(wte[token] + wpe[position])
        x = x + Wo · attend(norm(x))
        x = x + fc2 · relu(fc1 · norm(x))
        logits = lm_head · x

    where the arithmetic's attention and MLP say how.
    """

    def __init__(self, checkpoint: Checkpoint, arithmetic: Arithmetic) -> None:
        self.config: ModelConfig = checkpoint.config
        self.arithmetic = arithmetic
        self.tensors: dict[str, list[list[int]]] = {
            name: array.tolist() for name, array in constant_words(checkpoint, arithmetic).items()
        }

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
        return [arithmetic.attention.query(total) for total in totals], k, v

    def hidden(self, x: list[int], attended: list[int], layer: int) -> list[int]:
        """Return the hidden units of a layer's MLP, mlp_dim words, not negative; before the scale where it is
        deferred. ``x`` is the residual stream before the output of attention is added."""
        return self.arithmetic.mlp.hidden(self.tensors, f"layer{layer}.", x, attended)

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
        arithmetic, mlp = self.arithmetic, self.arithmetic.mlp
        x = self.embed(token, position)
        for layer in range(self.config.n_layer):
            q, k, v = self.query_key_value(x, layer)
            cache.layers[layer].keys.append(k)
            cache.layers[layer].values.append(v)
            attended = attend(arithmetic.attention, q, cache.layers[layer])
            hidden = self.hidden(x, attended, layer)
            if layer < self.config.n_layer - 1:
                x = mlp.layer(self.tensors, f"layer{layer}.", x, attended, hidden)
        return mlp.last_layer(self.tensors, f"layer{layer}.", x, attended, hidden)

    def draw(self, logits: list[int], temperature: int, rng: int) -> int:
        """Return the token drawn at a temperature (UQ8.8) with the state ``rng``."""
        return self.arithmetic.sampler.draw(logits, temperature, rng)
