"""The in-order checker: every result against the golden model, every counter against the test bench's clock."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from cosim.core.enums import STAGES
from cosim.core.model import Expected
from cosim.core.payload import Packing
from cosim.core.request import Request
from hdl.core.config import CoreConfig
from hdl.core.interface import COUNTERS, CoreSignature, result_layout

__all__ = ["Checker", "Counted", "Mismatch", "Transfer"]

_STAGES = {
    "logits": "LM_HEAD",
    "argmax": "LM_HEAD",
    "top_logit": "LM_HEAD",
}
"""The stage that a field comes from; the others come from the sampler, the input of a step from the draw before it."""


@dataclass(frozen=True)
class Transfer:
    """A result as it crossed the port: binary digits, most significant first."""

    cycle: int
    """Clock edge that took it, counted by the test bench."""
    payload: str
    logits: str


@dataclass(frozen=True)
class Counted:
    """A finished request in cycles, by the test bench's clock and by the design's counters, which agree."""

    request: Request
    cycles: int
    """From the edge that accepted the request to the one that took its last result."""
    step_cycles: tuple[int, ...]
    """The same, step by step."""
    letters: int
    stages: tuple[int, ...]
    """By the design's counters, indexed by ``STAGES``."""


@dataclass(eq=False)
class Mismatch(AssertionError):
    """The first difference between a core and the golden model."""

    core: str
    simulator: str
    request: str
    seed: int
    step: int
    """Index of the step in its request."""
    stage: str
    field: str
    """Field of the result or counter; an element as ``logits[3]``."""
    expected: Any
    actual: Any

    def __str__(self) -> str:
        return (
            f"{self.core} in {self.simulator}, seed {self.seed}, step {self.step}, stage {self.stage}: "
            f"{self.field} must be {self.expected!r}, not {self.actual!r} ({self.request})"
        )

    def to_json(self) -> dict[str, Any]:
        """Return the fields for a report."""
        return asdict(self)


class Checker:
    """Compares results in the order in which they were announced; the first difference raises `Mismatch`.

    Parameters
    ----------
    core
        The core whose ports are read.
    simulator
        Name and version, for reports.
    """

    def __init__(self, core: CoreConfig, simulator: str) -> None:
        self.core, self.simulator = core, simulator
        logit = core.arithmetic.logit
        self._payload = Packing(result_layout(core.model, logit))
        self._logits = Packing(CoreSignature(core.model, logit).members["logits"].shape)
        self._counters = Packing(COUNTERS)
        self._due: deque[tuple[Request, int, Expected]] = deque()
        self._request: Request | None = None
        self._step = 0
        self._cycles: list[int] = []
        self._letters = 0
        self.values = 0
        """Integers compared so far."""
        self.steps = 0
        """Results compared so far."""

    def expect(self, request: Request, results: list[Expected]) -> None:
        """Announce the results of a request, after those of the requests before it."""
        self._due.extend((request, index, expected) for index, expected in enumerate(results))

    @property
    def pending(self) -> int:
        """Number of results announced but not seen."""
        return len(self._due)

    def drop(self) -> None:
        """Forget the announced results: their request was abandoned."""
        self._due.clear()

    def observe(self, transfer: Transfer) -> None:
        """Compare a result with the one that is due; Mismatch if it differs or none is due."""
        if not self._due:
            raise self.mismatch(None, "IDLE", "result", None, self._payload.unpack(transfer.payload))
        request, index, expected = self._due.popleft()
        if index == 0:
            self._cycles, self._letters = [], 0
        self._request, self._step = request, index
        logits = {f"[{token}]": value for token, value in enumerate(expected.logits)}
        if transfer.logits != self._logits.bits(logits):
            self._differ(request, "logits", logits, self._logits.unpack(transfer.logits))
        if transfer.payload != self._payload.bits(expected.fields):
            self._differ(request, "", expected.fields, self._payload.unpack(transfer.payload))
        self._cycles.append(transfer.cycle)
        self._letters += expected.fields["token_out"] != self.core.model.bos
        self.values += len(logits) + len(expected.fields)
        self.steps += 1

    def finish(self, request: Request, accepted: int, counters: str) -> Counted:
        """Return the cycles of a finished request; Mismatch unless the counters agree with the test bench.

        Parameters
        ----------
        accepted
            Clock edge that accepted the request.
        counters
            The ``counters`` port once the last result was taken, binary digits.
        """
        seen = self._counters.unpack(counters)
        cycles = self._cycles[-1] - accepted
        for field, expected in (("cycles", cycles), ("steps", len(self._cycles)), ("letters", self._letters)):
            if seen[field] != expected:
                raise self.mismatch(request, "IDLE", f"counters.{field}", expected, seen[field])
        stages = [seen[f"stages[{stage}]"] for stage in STAGES.values()]
        counts = tuple(count for count in stages if isinstance(count, int))
        if len(counts) != len(stages) or counts[STAGES["IDLE"]] or sum(counts) != cycles:
            raise self.mismatch(request, "IDLE", "counters.stages", f"0 while idle, {cycles} in all", stages)
        self.values += len(seen)
        steps = tuple(later - earlier for earlier, later in pairwise([accepted, *self._cycles]))
        return Counted(request, cycles, steps, self._letters, counts)

    def mismatch(self, request: Request | None, stage: str, field: str, expected: Any, actual: Any) -> Mismatch:
        """Return a difference, to be raised; without ``request`` it concerns the result that is due."""
        step = self._due[0][1] if self._due else self._step
        if request is None:
            request = self._due[0][0] if self._due else self._request
        what, seed = ("no request", 0) if request is None else (request.describe(), request.seed)
        return Mismatch(self.core.name, self.simulator, what, seed, step, stage, field, expected, actual)

    def _differ(self, request: Request, prefix: str, expected: dict[str, int], actual: dict[str, int | str]) -> None:
        """Raise the difference in the first field that has one."""
        self._due.clear()
        field = next(name for name in expected if expected[name] != actual[name])
        stage = _STAGES.get(prefix or field, "SAMPLE")
        raise self.mismatch(request, stage, prefix + field, expected[field], actual[field])
