"""The integer model for many names at once, in NumPy: bit for bit what `IntegerModel` and `steps` give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from talos_ref.golden import arrays
from talos_ref.golden.arithmetic import arithmetic as named_arithmetic
from talos_ref.golden.arrays import Ints, Product, Saturate, saturate
from talos_ref.golden.attention import batched_attend
from talos_ref.golden.datapath import Arithmetic
from talos_ref.golden.generate import Step, check_limit
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.golden.rmsnorm import batched_normalise
from talos_ref.golden.xorshift32 import batched_xorshift32, check_seed
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig

__all__ = ["BatchedCache", "BatchedModel", "BatchedSteps", "batched_logits", "replay"]

CHUNK = 2048
"""Names stepped side by side: few enough that the caches of a step stay near the processor."""


class BatchedCache:
    """Keys and values [layer, name, position, n_embd]; position ``length`` comes next."""

    def __init__(self, config: ModelConfig, names: int, positions: int) -> None:
        self.keys: Ints = np.zeros((config.n_layer, names, positions, config.n_embd), dtype=np.int64)
        self.values: Ints = np.zeros_like(self.keys)
        self.length = 0

    def keep(self, names: npt.NDArray[np.bool_]) -> None:
        """Forget all names but those marked."""
        self.keys, self.values = self.keys[:, names], self.values[:, names]


class BatchedModel:
    """An `IntegerModel` whose step takes one token of every name; all names stand at the same position.

    ``saturate`` is given everything that is brought to a format, under the name of its unit: ``embed``, ``norm``,
    ``layer0.q``, ``logits`` and so on.
    """

    def __init__(self, model: IntegerModel, saturate: Saturate = saturate) -> None:
        self.config = model.config
        self.arithmetic = model.arithmetic
        self.saturate = saturate
        self.embeddings: dict[str, Ints] = {
            name: np.array(model.tensors[name], dtype=np.int64) for name in ("wte", "wpe")
        }
        self.products = {name: Product(matrix) for name, matrix in model.tensors.items() if name not in self.embeddings}

    def new_cache(self, names: int, positions: int | None = None) -> BatchedCache:
        """Return an empty cache for ``names`` names of at most ``positions`` positions (the block by default)."""
        return BatchedCache(self.config, names, self.config.block_size if positions is None else positions)

    def logits(self, tokens: Ints, cache: BatchedCache) -> Ints:
        """Return the logits [name, vocab] after tokens [name] at the cache's next position; the cache grows by it.

        Raises ValueError if a token is out of range or the cache is full.
        """
        if not ((tokens >= 0) & (tokens < self.config.vocab_size)).all():
            raise ValueError(f"tokens must be 0 to {self.config.vocab_size - 1}")
        if cache.length >= cache.keys.shape[2]:
            raise ValueError(f"cache must have room for position {cache.length}, not {cache.keys.shape[2]} positions")
        arithmetic, position = self.arithmetic, cache.length
        cache.length += 1
        embeddings = self.embeddings["wte"][tokens], self.embeddings["wpe"][position]  # [name, n_embd], [n_embd]
        x = arrays.add("embed", arithmetic.word, *embeddings, self.saturate)
        x = batched_normalise(arithmetic.rmsnorm, x, self.saturate)
        for layer in range(self.config.n_layer):
            at = f"layer{layer}."
            saturate = arrays.within(at, self.saturate)
            normed = batched_normalise(arithmetic.rmsnorm, x, saturate)
            k, v = (
                arithmetic.linear.batched_requantise(name, self.products[f"{at}w{name}"](normed), saturate)
                for name in ("k", "v")
            )
            cache.keys[layer, :, position], cache.values[layer, :, position] = k, v
            q = arithmetic.attention.batched_query(self.products[at + "wq"](normed), saturate)
            known = (cache.keys[layer, :, : cache.length], cache.values[layer, :, : cache.length])
            attended = batched_attend(arithmetic.attention, q, *known, saturate)
            if layer < self.config.n_layer - 1:
                x = arithmetic.mlp.batched_layer(self.products, at, x, attended, self.saturate)
        return arithmetic.mlp.batched_last_layer(self.products, at, x, attended, self.saturate)


@dataclass(frozen=True, kw_only=True, eq=False)
class BatchedSteps:
    """The steps of many names, in order of name and position: what `Step` has, one array a field."""

    seed_index: Ints
    """Which of the seeds the name started from, [step]."""
    pos: Ints
    token_in: Ints
    token_out: Ints
    argmax: Ints
    rng: Ints
    """State after the step."""
    top_logit: Ints
    logits: npt.NDArray[np.int32]
    """[step, vocab], words."""

    def __len__(self) -> int:
        return len(self.pos)

    def step(self, index: int) -> Step:
        """Return one step in the plain form."""
        row: dict[str, Any] = {field.name: getattr(self, field.name)[index].tolist() for field in fields(Step)}
        return Step(**row | {"logits": tuple(row["logits"])})

    def letters(self, config: ModelConfig) -> list[list[int]]:
        """Return the letters of every name, in the order of the seeds."""
        starts = np.flatnonzero(self.pos == 0)
        names = np.split(self.token_out, starts[1:])
        return [[token for token in name.tolist() if token != config.bos] for name in names]


def _replay_chunk(
    model: BatchedModel, first: int, seeds: Ints, temperature: int, limit: int, greedy: bool
) -> list[dict[str, Any]]:
    config = model.config
    index, rng = np.arange(first, first + len(seeds)), seeds
    token: Ints = np.full(len(seeds), config.bos, dtype=np.int64)
    cache = model.new_cache(len(seeds), limit)
    rows = []
    for pos in range(limit):
        logits = model.logits(token, cache)
        best = logits.argmax(axis=-1)
        if greedy:
            drawn = best
        else:
            rng = batched_xorshift32(rng)
            drawn = model.arithmetic.sampler.batched_draw(logits, temperature, rng)
        rows.append({
            "seed_index": index, "pos": np.full(len(index), pos), "token_in": token, "token_out": drawn,
            "argmax": best, "rng": rng, "top_logit": logits.max(axis=-1), "logits": logits.astype(np.int32),
        })  # fmt: skip
        going = drawn != config.bos
        if not going.any():
            break
        index, rng, token = index[going], rng[going], drawn[going]
        cache.keep(going)
    return rows


def replay(
    checkpoint: Checkpoint,
    arithmetic: Arithmetic | str,
    seeds: Sequence[int] | Ints,
    temperature_q8_8: int,
    limit: int | None = None,
    greedy: bool = False,
    saturate: Saturate = saturate,
) -> BatchedSteps:
    """Return the steps of one name a seed, as `generate.steps` yields them.

    Temperature 0 is greedy where the sampler has it so; ``saturate`` is for `BatchedModel`. Raises TypeError or
    ValueError as `generate.steps`, and for a temperature outside the sampler's range.
    """
    if isinstance(arithmetic, str):
        arithmetic = named_arithmetic(arithmetic, checkpoint.config)
    sampler, config = arithmetic.sampler, checkpoint.config
    if not isinstance(temperature_q8_8, int) or isinstance(temperature_q8_8, bool):
        raise TypeError(f"temperature_q8_8 must be an integer, not {temperature_q8_8!r}")
    greedy = greedy or (temperature_q8_8 == 0 and sampler.greedy_at_zero)
    if not greedy and not sampler.min_temperature <= temperature_q8_8 <= sampler.max_temperature:
        raise ValueError(
            f"temperature_q8_8 must be {sampler.min_temperature} to {sampler.max_temperature}, not {temperature_q8_8!r}"
        )
    limit = check_limit(config.max_letters if limit is None else limit, config)
    if isinstance(seeds, np.ndarray):
        seeds = seeds.tolist()
    states: Ints = np.array([check_seed(seed) for seed in seeds], dtype=np.int64)
    if not len(states):
        raise ValueError("seeds must hold at least one seed")
    model = BatchedModel(IntegerModel(checkpoint, arithmetic), saturate)
    rows: list[dict[str, Any]] = []
    for first in range(0, len(states), CHUNK):
        rows += _replay_chunk(model, first, states[first : first + CHUNK], temperature_q8_8, limit, greedy)
    columns = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
    order = np.lexsort((columns["pos"], columns["seed_index"]))
    return BatchedSteps(**{name: column[order] for name, column in columns.items()})


def batched_logits(model: IntegerModel, tokens: npt.ArrayLike) -> Ints:
    """Return logits [name, position, vocab], words, of input tokens [name, position], each seeing what precedes it.

    Raises ValueError if ``tokens`` is not two-dimensional, longer than the block, or out of the vocabulary.
    """
    inputs = np.asarray(tokens)
    config = model.config
    if inputs.ndim != 2 or not 1 <= inputs.shape[1] <= config.block_size:
        raise ValueError(f"tokens must be [name, 1 to {config.block_size} positions], not shape {inputs.shape}")
    if not np.issubdtype(inputs.dtype, np.integer):
        raise ValueError(f"tokens must be integers, not {inputs.dtype}")
    batched = BatchedModel(model)
    cache = batched.new_cache(*inputs.shape)
    columns = [batched.logits(column.astype(np.int64), cache) for column in inputs.T]
    return np.stack(columns, axis=1)
