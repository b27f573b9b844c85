"""The float reference: what the model computes before any quantisation, in float64."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from talos_ref.golden.float_ops import rmsnorm, softmax
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig

__all__ = ["FloatCache", "FloatModel", "names_by_choices"]

Array = npt.NDArray[np.float64]


class FloatCache:
    """Keys and values [layer, position, n_embd] of one name; position ``len(cache)`` comes next."""

    def __init__(self, config: ModelConfig) -> None:
        self.keys: Array = np.zeros((config.n_layer, config.block_size, config.n_embd))
        self.values: Array = np.zeros_like(self.keys)
        self.length = 0

    def __len__(self) -> int:
        return self.length


class FloatModel:
    """A checkpoint in float64, one step at a time with a cache, or many names at once without one.

    ``x = rmsnorm(wte[token] + wpe[position])``; per layer ``x += Wo · attention(rmsnorm(x))`` and
    ``x += fc2 · relu(fc1 · rmsnorm(x))``; ``logits = lm_head · x``.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        if not isinstance(checkpoint, Checkpoint):
            raise TypeError(f"checkpoint must be a Checkpoint, not {checkpoint!r}")
        self.config: ModelConfig = checkpoint.config
        self.tensors: dict[str, Array] = {name: t.astype(np.float64) for name, t in checkpoint.tensors.items()}

    @property
    def greedy_at_zero(self) -> bool:
        """Temperature 0 means the argmax."""
        return True

    def new_cache(self) -> FloatCache:
        """Return an empty cache."""
        return FloatCache(self.config)

    def logits(self, token: int, position: int, cache: FloatCache) -> list[float]:
        """Return the logits after ``token`` at ``position``; its keys and values join the cache.

        Raises ValueError if the token or the position is out of range, or the position is not the cache's next.
        """
        config, t = self.config, self.tensors
        if not 0 <= token < config.vocab_size:
            raise ValueError(f"token must be 0 to {config.vocab_size - 1}, not {token!r}")
        if not 0 <= position < config.block_size:
            raise ValueError(f"position must be 0 to {config.block_size - 1}, not {position!r}")
        if position != len(cache):
            raise ValueError(f"position must be {len(cache)}, the cache's next, not {position!r}")
        count, by_head = position + 1, (-1, config.n_head, config.head_dim)
        x = rmsnorm(t["wte"][token] + t["wpe"][position])  # [n_embd]
        for layer in range(config.n_layer):
            at = f"layer{layer}."
            normed = rmsnorm(x)
            cache.keys[layer, position] = t[at + "wk"] @ normed
            cache.values[layer, position] = t[at + "wv"] @ normed
            query = (t[at + "wq"] @ normed).reshape(by_head)[0]  # [head, head_dim]
            keys = cache.keys[layer, :count].reshape(by_head)  # [position, head, head_dim]
            values = cache.values[layer, :count].reshape(by_head)
            weights = softmax((keys * query).sum(axis=-1).T / math.sqrt(config.head_dim))  # [head, position]
            mixed = (weights.T[:, :, None] * values).sum(axis=0).ravel()
            x = x + t[at + "wo"] @ mixed
            x = x + t[at + "fc2"] @ np.maximum(t[at + "fc1"] @ rmsnorm(x), 0.0)
        cache.length = count
        result: list[float] = (t["lm_head"] @ x).tolist()
        return result

    def batched_logits(self, tokens: npt.ArrayLike) -> Array:
        """Return logits [name, position, vocab] of input tokens [name, position], each seeing only what precedes it.

        Raises ValueError if ``tokens`` is not two-dimensional, longer than the block, or out of the vocabulary.
        """
        inputs = np.asarray(tokens)
        config, t = self.config, self.tensors
        if inputs.ndim != 2 or not 1 <= inputs.shape[1] <= config.block_size:
            raise ValueError(f"tokens must be [name, 1 to {config.block_size} positions], not shape {inputs.shape}")
        if not np.issubdtype(inputs.dtype, np.integer) or not ((inputs >= 0) & (inputs < config.vocab_size)).all():
            raise ValueError(f"tokens must be integers 0 to {config.vocab_size - 1}")
        length = inputs.shape[1]
        split = (*inputs.shape, config.n_head, config.head_dim)
        future = np.triu(np.ones((length, length), dtype=bool), 1)
        x = rmsnorm(t["wte"][inputs] + t["wpe"][:length])  # [name, position, n_embd]
        for layer in range(config.n_layer):
            at = f"layer{layer}."
            normed = rmsnorm(x)
            q, k, v = ((normed @ t[at + name].T).reshape(split).swapaxes(1, 2) for name in ("wq", "wk", "wv"))
            scores = q @ k.swapaxes(2, 3) / math.sqrt(config.head_dim)  # [name, head, position, position]
            mixed = softmax(np.where(future, -np.inf, scores)) @ v
            x = x + mixed.swapaxes(1, 2).reshape(x.shape) @ t[at + "wo"].T
            x = x + np.maximum(rmsnorm(x) @ t[at + "fc1"].T, 0.0) @ t[at + "fc2"].T
        return np.asarray(x @ t["lm_head"].T)

    def probabilities(self, logits: list[float], temperature: float) -> list[float]:
        """Return ``softmax(logits / temperature)``; at temperature 0 all of it is on the first maximum.

        Raises ValueError if the temperature is negative or not finite.
        """
        if not (math.isfinite(temperature) and temperature >= 0):
            raise ValueError(f"temperature must be finite and 0 or more, not {temperature!r}")
        top = max(logits)
        if temperature == 0:
            best = logits.index(top)
            return [float(index == best) for index in range(len(logits))]
        weights = [math.exp((logit - top) / temperature) for logit in logits]
        total = math.fsum(weights)
        return [weight / total for weight in weights]

    def draw(self, logits: list[float], temperature: float, rng: int) -> int:
        """Return the first index whose cumulative probability exceeds ``(rng & 0xFFFFFF) / 2^24``."""
        threshold = (rng & 0xFFFFFF) / (1 << 24)
        cumulative = 0.0
        probabilities = self.probabilities(logits, temperature)
        for index, probability in enumerate(probabilities):
            cumulative += probability
            if cumulative > threshold:
                return index
        # Rounding can leave the sum a hair below a threshold of almost 1.
        return max(index for index, probability in enumerate(probabilities) if probability > 0)


def names_by_choices(model: FloatModel, rng: random.Random, temperature: float, count: int) -> Iterator[list[int]]:
    """Yield ``count`` names (tokens without BOS), each token drawn by ``rng.choices``, one generator for all names.

    Raises ValueError if ``count`` is less than 1, or as `FloatModel.probabilities`.
    """
    if count < 1:
        raise ValueError(f"count must be 1 or more, not {count!r}")
    config = model.config
    vocabulary = range(config.vocab_size)
    for _ in range(count):
        cache, token, name = model.new_cache(), config.bos, list[int]()
        while len(name) < config.max_letters:
            weights = model.probabilities(model.logits(token, len(name), cache), temperature)
            token = rng.choices(vocabulary, weights=weights)[0]
            if token == config.bos:
                break
            name.append(token)
        yield name
