"""Every step of many names out of the C library, in the form of the golden model's own replay."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from host_c.binding.extension import check, ffi, lib
from host_c.binding.model import Model
from talos_ref.golden.batched import BatchedSteps

__all__ = ["trace"]


def trace(
    model: Model, seeds: Sequence[int] | npt.NDArray[np.integer], temperature: float, limit: int | None = None
) -> BatchedSteps:
    """Return the steps of one name a seed, as `talos_ref.golden.batched.replay` does: about a million a second.

    ``limit`` is the most letters of a name (by default as many as fit). Logits are words in the integer arithmetics; in
    float there are none, and ``top_logit`` is 0. Raises ValueError as `Model.stream`, and for a limit out of range.
    """
    longest, vocab = model.config.max_letters, model.config.vocab_size
    limit = longest if limit is None else limit
    if not 1 <= limit <= longest:
        raise ValueError(f"limit must be 1 to {longest}, not {limit!r}")
    if not len(seeds):
        raise ValueError("seeds must hold at least one seed")
    integer = model.arithmetic != "float"
    given = [int(seed) for seed in seeds]
    stream = model.stream(given[0], temperature)
    results = np.empty((len(given) * limit, 5), dtype=np.uint32)
    words = np.empty((len(results) if integer else 0, vocab), dtype=np.int32)
    to_results = ffi.cast("talos_step_result *", ffi.from_buffer(results))
    to_words = ffi.from_buffer("int32_t[]", words) if integer else ffi.NULL
    taken, counts, at = ffi.new("size_t *"), np.empty(len(given), dtype=np.int64), 0
    for index, seed in enumerate(given):
        stream.reset(seed)
        logits = to_words + at * vocab if integer else to_words
        check(lib.talos_trace(stream.pointer, to_results + at, logits, limit, taken), f"seed {seed!r}")
        counts[index] = taken[0]
        at += taken[0]
    columns = results[:at].astype(np.int64).T
    words = words[:at] if integer else np.zeros((at, vocab), dtype=np.int32)
    return BatchedSteps(
        seed_index=np.repeat(np.arange(len(given)), counts), pos=columns[0], token_in=columns[1], token_out=columns[2],
        argmax=columns[3], rng=columns[4], top_logit=words.max(axis=1).astype(np.int64), logits=words,
    )  # fmt: skip
