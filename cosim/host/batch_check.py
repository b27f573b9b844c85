"""host_c beside a board: counters and digest of a batch, and where the first step that differs is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cosim.host.batch import Batch, BatchRun
from cosim.host.check import Difference, Mismatch, expected_names
from cosim.host.errors import HostError
from hdl.design import Design
from talos_ref.golden.digest import step_crc

__all__ = ["BatchDifference", "Expected", "check_batch", "find_step"]


@dataclass(frozen=True, kw_only=True)
class BatchDifference:
    """What of a batch differs, and how to find where."""

    batch: Batch
    expected: dict[str, int]
    """Counter -> value, of those that differ; the digest is one of them."""
    actual: dict[str, int]
    remedy: str
    """Empty where it is under way."""

    def __str__(self) -> str:
        differences = ", ".join(
            f"{name} must be {_shown(name, value)}, not {_shown(name, self.actual[name])}"
            for name, value in self.expected.items()
        )
        return f"{self.batch.describe()}: {differences}{self.remedy and f'; {self.remedy}'}"

    def to_json(self) -> dict[str, Any]:
        """Return the fields."""
        batch = self.batch
        return {"seed": batch.seed, "count": batch.count, "expected": self.expected, "actual": self.actual}


def _shown(name: str, value: int) -> str:
    return f"{value:08x}" if name == "digest" else f"{value:,}"


class Expected:
    """What host_c makes of a batch, beside whatever else goes on: it counts in a thread of its own.

    Raises HostError if the library was not built.
    """

    def __init__(self, design: Design, batch: Batch) -> None:
        try:
            from host_c import Model
            from host_c.binding.digest import digest
        except ImportError as error:
            raise HostError(
                f"the digest is compared with that of the C library, which is not there ({error}): build it with "
                "`python -m host_c.build`, or give --no-check"
            ) from None
        model = Model(design)
        self._found: list[Any] = []

        def count() -> None:
            try:
                self._found.append(digest(model, batch.seed, batch.count, batch.temperature / 256, batch.limit))
            except Exception as error:
                self._found.append(error)

        # Who stops waiting for the board stops this, too.
        self._thread = threading.Thread(target=count, daemon=True)
        self._thread.start()

    def wait(self) -> dict[str, int]:
        """Return ``digest``, ``steps`` and ``letters``; raises what the library raised."""
        self._thread.join()
        (found,) = self._found
        if isinstance(found, Exception):
            raise found
        return {"digest": found.digest, "steps": found.steps, "letters": found.letters}


def check_batch(batch: Batch, expected: Expected, run: BatchRun, remedy: str) -> int:
    """Return how many values were compared; Mismatch if one differs."""
    wanted = expected.wait()
    wrong = {name: value for name, value in wanted.items() if getattr(run, name) != value}
    if wrong:
        actual = {name: getattr(run, name) for name in wrong}
        raise Mismatch(BatchDifference(batch=batch, expected=wrong, actual=actual, remedy=remedy))
    return len(wanted)


def find_step(design: Design, batch: Batch, run: Callable[[Batch], BatchRun]) -> Difference | None:
    """Return the first step that is wrong in a batch that is, by running parts of it; None if no part is wrong alone.

    Halves lead to a name. With a limit of so many letters a name's steps end there, so that its first wrong step is the
    last one of the shortest wrong limit; what the board has drawn there is the token whose CRC the digest tells.
    """

    def wrong(part: Batch) -> bool:
        expected = Expected(design, part)
        found = run(part)
        return any(getattr(found, name) != value for name, value in expected.wait().items())

    if not wrong(batch):
        return None
    while batch.count > 1:
        half = batch.count // 2
        parts = batch.part(0, half), batch.part(half, batch.count - half)
        found = next((part for part in parts if wrong(part)), None)
        if found is None:
            return None
        batch = found
    return _first_step(design, batch, run)


def _first_step(design: Design, batch: Batch, run: Callable[[Batch], BatchRun]) -> Difference | None:
    golden = next(expected_names(design, [batch.seed], batch.temperature, batch.limit))
    before = 0
    for position, step in enumerate(golden):
        found = run(Batch(seed=batch.seed, count=1, temperature=batch.temperature, limit=position + 1))
        crc = (found.digest - before) % (1 << 32)
        if crc != step_crc(batch.seed, position, step.token_out):
            tokens = range(design.model.vocab_size)
            drawn = next((token for token in tokens if step_crc(batch.seed, position, token) == crc), -1)
            return Difference(
                seed=batch.seed, step=position, what="token", index=None, expected=step.token_out, actual=drawn
            )
        before = found.digest
    return None
