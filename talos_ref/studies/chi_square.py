"""Do sampled tokens follow the float model? Chi-square by context, from tokens that any sampler has drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from talos_ref.golden.float_ops import softmax
from talos_ref.model.config import ModelConfig
from talos_ref.studies.nll import Array, BatchedLogits

__all__ = ["ChiSquare", "by_context", "pair_chi_square", "pearson", "total"]

Tokens = npt.NDArray[np.int64]

LEAST_EXPECTED = 5.0
"""Tokens expected less often than this count as one."""
NAMES = 512
"""Names whose probabilities are computed at once."""


@dataclass(frozen=True, kw_only=True)
class ChiSquare:
    """A statistic and its degrees of freedom."""

    statistic: float
    degrees: int

    @property
    def p(self) -> float:
        """Probability of a larger statistic, by Wilson and Hilferty (1931); 1 without a degree of freedom."""
        if not self.degrees:
            return 1.0
        spread = 2 / (9 * self.degrees)
        z = ((self.statistic / self.degrees) ** (1 / 3) - (1 - spread)) / math.sqrt(spread)
        return math.erfc(z / math.sqrt(2)) / 2


def total(parts: Mapping[int, ChiSquare]) -> ChiSquare:
    """Return the sum of independent statistics."""
    return ChiSquare(
        statistic=sum(part.statistic for part in parts.values()), degrees=sum(part.degrees for part in parts.values())
    )


def _pooled(expected: Array) -> npt.NDArray[np.int64]:
    """Return the class of every token: the frequent ones one each, the rest together with the least of those."""
    order = np.argsort(-expected)
    frequent = int((expected >= LEAST_EXPECTED).sum())
    rest = expected[order[frequent:]].sum()
    classes = frequent + (rest >= LEAST_EXPECTED)
    groups = np.empty(len(expected), dtype=np.int64)
    groups[order] = np.minimum(np.arange(len(expected)), max(classes - 1, 0))
    return groups


def _statistic(observed: Array, expected: Array, covariance: Array) -> ChiSquare:
    """Return ``d · V⁻¹ · d`` of the pooled counts, of which one less is free."""
    groups = _pooled(expected)
    classes = int(groups.max()) + 1
    if classes < 2:
        return ChiSquare(statistic=0.0, degrees=0)
    pool = np.eye(classes)[groups][:, :-1]  # the last class follows from the others
    difference = (observed - expected) @ pool
    return ChiSquare(
        statistic=float(difference @ np.linalg.solve(pool.T @ covariance @ pool, difference)), degrees=classes - 1
    )


def pearson(tokens: Tokens, probabilities: Array) -> ChiSquare:
    """Return the statistic of tokens that were all drawn from one distribution."""
    observed = np.bincount(tokens, minlength=len(probabilities)).astype(np.float64)
    covariance = np.diag(probabilities) - np.outer(probabilities, probabilities)
    return _statistic(observed, len(tokens) * probabilities, len(tokens) * covariance)


def pair_chi_square(tokens: Tokens, probabilities: Array) -> ChiSquare:
    """Return the statistic of disjoint pairs of neighbours (1, 2), (3, 4), … as draws from one distribution each."""
    even = len(tokens) // 2 * 2
    pairs = tokens[:even:2] * len(probabilities) + tokens[1:even:2]
    return pearson(pairs, np.outer(probabilities, probabilities).ravel())


def by_context(tokens: Tokens, logits: BatchedLogits, temperature: float, config: ModelConfig) -> dict[int, ChiSquare]:
    """Return input token -> statistic of what was drawn after it; BOS stands for the first letter of a name.

    Draws of one context class have different distributions, since each depends on all letters before it. So counts less
    their expectation are measured by their own covariance, Σ (diag p - p pᵀ): the statistic is a chi-square of as many
    degrees of freedom as in Pearson's, which these draws would make too small.

    Parameters
    ----------
    tokens
        Names [name, block_size]: letters, then BOS to the end of a row.
    logits
        Of the float model, `FloatModel.batched_logits`.
    """
    vocab, bos = config.vocab_size, config.bos
    observed, expected = np.zeros((vocab, vocab)), np.zeros((vocab, vocab))
    covariance = np.zeros((vocab, vocab, vocab))
    names, counts = np.unique(tokens, axis=0, return_counts=True)
    # Names of one length side by side have no positions that none of them has.
    order = np.argsort((names != bos).sum(axis=1), kind="stable")
    names, counts = names[order], counts[order]
    for start in range(0, len(names), NAMES):
        drawn, weight = names[start : start + NAMES], counts[start : start + NAMES]
        inputs = np.concatenate([np.full((len(drawn), 1), bos), drawn[:, :-1]], axis=1)
        # A name ends with its first BOS, or at the limit, where none is drawn.
        taken = np.cumsum(drawn == bos, axis=1) - (drawn == bos) == 0
        taken[:, config.max_letters :] = False
        length = int(taken.sum(axis=1).max())
        probabilities = softmax(logits(inputs[:, :length]) / temperature)[taken[:, :length]]
        inputs, drawn, weight = inputs[taken], drawn[taken], np.broadcast_to(weight[:, None], taken.shape)[taken]
        for context in np.unique(inputs):
            rows = inputs == context
            p, w = probabilities[rows], weight[rows]
            observed[context] += np.bincount(drawn[rows], w, minlength=vocab)
            mean = w @ p
            expected[context] += mean
            covariance[context] += np.diag(mean) - (p * w[:, None]).T @ p
    return {
        context: _statistic(observed[context], expected[context], covariance[context])
        for context in range(vocab)
        if observed[context].any()
    }
