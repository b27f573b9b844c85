"""What a core must answer to many requests, an array a field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cosim.core.payload import Ints
from talos_ref.golden.batched import BatchedSteps

__all__ = ["Answers", "Expected"]


@dataclass(frozen=True)
class Expected:
    """One result: the fields of ``hdl.core.interface.result_layout`` and the logits beside them."""

    fields: dict[str, int]
    logits: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Answers:
    """The results of requests, one request after another."""

    counts: Ints
    """Results of each request, [request]."""
    fields: dict[str, Ints]
    """Field of ``hdl.core.interface.result_layout`` -> [result]."""
    logits: Ints
    """[result, vocab]"""

    def of(self, request: int) -> list[Expected]:
        """Return the results of one request, in the plain form."""
        first = int(self.counts[:request].sum())
        return [
            Expected(
                {name: int(column[index]) for name, column in self.fields.items()}, tuple(self.logits[index].tolist())
            )
            for index in range(first, first + int(self.counts[request]))
        ]

    def part(self, first: int, end: int) -> Answers:
        """Return the results of requests ``first`` to ``end`` - 1."""
        rows = slice(int(self.counts[:first].sum()), int(self.counts[:end].sum()))
        fields = {name: column[rows] for name, column in self.fields.items()}
        return Answers(self.counts[first:end], fields, self.logits[rows])

    @staticmethod
    def stack(results: Sequence[Sequence[Expected]]) -> Answers:
        """Return the results of each request as arrays; there must be one at least."""
        every = [result for answers in results for result in answers]
        fields = {
            name: np.array([result.fields[name] for result in every], dtype=np.int64) for name in every[0].fields
        }
        counts = np.array([len(answers) for answers in results], dtype=np.int64)
        return Answers(counts, fields, np.array([result.logits for result in every], dtype=np.int64))

    @staticmethod
    def join(groups: Sequence[BatchedSteps], places: Sequence[tuple[int, int]]) -> Answers:
        """Return the results of names that were drawn in groups, in the order of ``places``.

        A place is a group's number, and the name's within it.
        """
        bounds = [np.searchsorted(group.seed_index, np.arange(group.seed_index[-1] + 2)) for group in groups]
        offsets = np.cumsum([0, *map(len, groups)])
        starts = np.array([offsets[group] + bounds[group][name] for group, name in places], dtype=np.int64)
        counts = np.array(
            [bounds[group][name + 1] - bounds[group][name] for group, name in places], dtype=np.int64
        )
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        rows = np.repeat(starts, counts) + within
        logits: Ints = np.concatenate([group.logits for group in groups])[rows].astype(np.int64)
        best = np.concatenate([group.argmax for group in groups])[rows].astype(np.int64)
        fields = {
            "position": np.concatenate([group.pos for group in groups])[rows],
            "token_in": np.concatenate([group.token_in for group in groups])[rows],
            "token_out": np.concatenate([group.token_out for group in groups])[rows],
            "argmax": best,
            "top_logit": logits[np.arange(len(rows)), best],
            "rng": np.concatenate([group.rng for group in groups])[rows],
            "last": (within == np.repeat(counts, counts) - 1).astype(np.int64),
        }
        return Answers(counts, fields, logits)
