"""The golden model beside a board: what its registers must hold after every name and every step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from cosim.host.errors import HostError
from cosim.host.machine import NameRun, StepRun
from hdl.design import Design
from talos_ref.golden.batched import replay
from talos_ref.golden.generate import Step, steps
from talos_ref.golden.integer_model import IntegerModel

__all__ = ["AnyDifference", "Difference", "Mismatch", "check_name", "check_step", "expected_names", "expected_steps"]

_CHUNK = 256
"""Names that the golden model makes side by side, before the board is asked for them."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The first value that differs."""

    seed: int | None
    """None where a step has none: direct steps draw nothing."""
    step: int
    what: str
    index: int | None
    """Of a logit or letter."""
    expected: int
    actual: int

    def __str__(self) -> str:
        seed = "" if self.seed is None else f"seed {self.seed}, "
        index = "" if self.index is None else f" {self.index}"
        return f"{seed}step {self.step}: {self.what}{index} must be {self.expected}, not {self.actual}"

    def to_json(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)


class AnyDifference(Protocol):
    """What differs: its text is the message."""

    def to_json(self) -> dict[str, Any]:
        """Return it for a file."""


class Mismatch(HostError):
    """A board differs from what was expected of it."""

    def __init__(self, difference: AnyDifference) -> None:
        self.difference = difference
        super().__init__(str(difference))


def expected_names(
    design: Design, seeds: Sequence[int], temperature: int, limit: int
) -> Iterator[list[Step]]:
    """Yield the steps of the name of every seed; ``temperature`` is UQ8.8. Errors as `batched.replay`."""
    for start in range(0, len(seeds), _CHUNK):
        chunk = seeds[start : start + _CHUNK]
        found = replay(design.checkpoint, design.arithmetic, chunk, temperature, limit=limit)
        names: list[list[Step]] = [[] for _ in chunk]
        for index in range(len(found)):
            names[found.seed_index[index]].append(found.step(index))
        yield from names


def expected_steps(design: Design, tokens: Sequence[int]) -> Iterator[Step]:
    """Yield what direct steps on these tokens give, one after the other from position 0."""
    model = IntegerModel(design.checkpoint, design.arithmetic)
    yield from steps(model, seed=1, temperature=0, greedy=True, forced=tokens)


def check_name(seed: int, expected: Sequence[Step], run: NameRun, bos: int) -> int:
    """Compare a name and what its last step left behind; return how many values were compared.

    Raises Mismatch at the first difference: letters, counts, random state; logits, argmax and token of the last step.
    """
    letters = [step.token_out for step in expected if step.token_out != bos]
    for index, (wanted, found) in enumerate(zip(letters, run.letters, strict=False)):
        _equal(seed, index, "letter", index, wanted, found)
    last = expected[-1]
    _equal(seed, last.pos, "number of letters", None, len(letters), len(run.letters))
    _equal(seed, last.pos, "counted letters", None, len(letters), run.last.counters.letters)
    _equal(seed, last.pos, "counted steps", None, len(expected), run.last.counters.steps)
    _equal(seed, last.pos, "random state", None, last.rng, run.last.rng)
    return len(letters) + 4 + _check_last(seed, last, last.token_out, run.last)


def check_step(expected: Step, run: StepRun, seed: int | None = None) -> int:
    """Compare a direct step, which draws the argmax; return how many values were compared. Mismatch as `check_name`.

    Parameters
    ----------
    seed
        Of the name that is replayed, for the message.
    """
    return _check_last(seed, expected, expected.argmax, run)


def _check_last(seed: int | None, expected: Step, token: int, run: StepRun) -> int:
    at = expected.pos
    for index, (wanted, found) in enumerate(zip(expected.logits, run.logits, strict=True)):
        _equal(seed, at, "logit", index, int(wanted), found)
    _equal(seed, at, "top logit", None, int(expected.top_logit), run.top_logit)
    _equal(seed, at, "argmax", None, expected.argmax, run.argmax)
    _equal(seed, at, "token", None, token, run.token)
    _equal(seed, at, "cycles of all stages", None, run.counters.cycles, sum(run.counters.stages))
    return len(expected.logits) + 4


def _equal(seed: int | None, step: int, what: str, index: int | None, expected: int, actual: int) -> None:
    if expected != actual:
        raise Mismatch(Difference(seed=seed, step=step, what=what, index=index, expected=expected, actual=actual))
