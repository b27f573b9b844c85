"""The checker: every result of every stream against the golden model, whatever runs beside it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from cosim.barrel.names import ExpectedName
from cosim.core.checker import Mismatch
from cosim.core.payload import Packing
from hdl.core.barrel.interface import COUNTERS, result_layout, tap_layout
from hdl.core.config import CoreConfig
from talos_ref.golden.digest import add_steps

__all__ = ["BarrelChecker"]


class BarrelChecker:
    """Names begin in the order of their seeds, in whatever stream; from then on a stream has their steps in order.

    Parameters
    ----------
    core
        The core whose ports are read.
    simulator
        Name and version, for reports.
    """

    def __init__(self, core: CoreConfig, simulator: str) -> None:
        self.core, self.simulator = core, simulator
        self._result, self._tap = Packing(result_layout(core)), Packing(tap_layout(core))
        self._counters = Packing(COUNTERS)
        self._due: deque[ExpectedName] = deque()
        self._taps: deque[str] = deque()
        self._under_way: dict[int, tuple[ExpectedName, int]] = {}
        self._counted = {"steps": 0, "letters": 0, "digest": 0}
        self.values = 0
        """Integers compared so far."""
        self.steps = 0
        """Results compared so far."""
        self.by_position: list[list[int]] = []
        """At each position: cycles from the result before in the same stream, and steps."""
        self._since: dict[int, int] = {}
        self._began = 0
        self.finished = 0
        """Names that have ended."""

    def expect(self, names: Sequence[ExpectedName]) -> None:
        """Announce the names of a batch, after those of the batches before it."""
        self._due.extend(names)

    @property
    def pending(self) -> int:
        """Number of names that have not ended."""
        return len(self._due) + len(self._under_way)

    @property
    def under_way(self) -> int:
        """Number of names that have begun and not ended."""
        return len(self._under_way)

    @property
    def digest(self) -> int:
        """Digest of the steps since the counters began."""
        return self._counted["digest"]

    def drop(self) -> None:
        """Forget everything that was announced: the core was cleared."""
        self._due.clear()
        self._taps.clear()
        self._under_way.clear()
        self.restart()

    def restart(self, edge: int = 0) -> None:
        """Count from 0, as the core does with a batch that comes at a clock edge while it is idle."""
        self._counted = dict.fromkeys(self._counted, 0)
        self.by_position, self._since, self._began = [], {}, edge

    def observe_tap(self, payload: str) -> None:
        """Keep logits and random state of a step, whose result is to follow."""
        self._taps.append(payload)

    def observe(self, payload: str, edge: int) -> None:
        """Compare a result that an edge took, and what was seen of its step; Mismatch if it differs or none is due."""
        seen = self._result.unpack(payload)
        stream = seen["stream"]
        if not isinstance(stream, int):
            raise self.mismatch(None, 0, "stream", "a number", stream)
        name, position = self._under_way.get(stream, (None, 0))
        if name is None:
            if not self._due:
                raise self.mismatch(None, 0, "result", None, seen)
            name = self._due.popleft()
        step = name.step(position)
        last = position == name.length - 1
        wanted = {
            "stream": stream, "seed": name.seed, "position": position, "token": step.token, "last": int(last),
        }  # fmt: skip
        # The logits first: where they differ, the token is no wonder.
        if not self._taps:
            raise self.mismatch(name, position, "tap", "seen before the result", None)
        logits = {f"logits[{token}]": logit for token, logit in enumerate(step.logits)}
        tapped = {"stream": stream, "rng": step.rng, **logits}
        tap = self._taps.popleft()
        if tap != self._tap.bits(tapped):
            self._differ(name, position, tapped, self._tap.unpack(tap))
        if payload != self._result.bits(wanted):
            self._differ(name, position, wanted, seen)
        if last:
            self._under_way.pop(stream, None)
            self.finished += 1
        else:
            self._under_way[stream] = name, position + 1
        self.values += len(wanted) + len(tapped)
        self.steps += 1
        self._time(stream, position, edge)
        counted = self._counted
        counted["steps"] += 1
        counted["letters"] += step.token != self.core.model.bos
        counted["digest"] = add_steps(counted["digest"], [(name.seed, position, step.token)])

    def _time(self, stream: int, position: int, edge: int) -> None:
        if position == len(self.by_position):
            self.by_position.append([0, 0])
        at = self.by_position[position]
        at[0] += edge - self._since.get(stream, self._began)
        at[1] += 1
        self._since[stream] = edge

    def finish(self, cycles: int | None, counters: str) -> dict[str, int]:
        """Return the counters once all names have ended; Mismatch unless they are what was seen.

        ``cycles``: from the edge that accepted the first batch to the one that took the last result; None where the
        core was idle in between.
        """
        seen = self._counters.unpack(counters)
        wanted = self._counted | ({} if cycles is None else {"cycles": cycles})
        for field, expected in wanted.items():
            if seen[field] != expected:
                raise self.mismatch(None, 0, f"counters.{field}", expected, seen[field])
        self.values += len(wanted)
        return {field: value for field, value in seen.items() if isinstance(value, int)}

    def mismatch(self, name: ExpectedName | None, step: int, field: str, expected: Any, actual: Any) -> Mismatch:
        """Return a difference, to be raised."""
        what, seed = ("no batch", 0) if name is None else (name.batch.describe(), name.seed)
        return Mismatch(self.core.name, self.simulator, what, seed, step, "STREAM", field, expected, actual)

    def _differ(self, name: ExpectedName, step: int, expected: dict[str, int], actual: dict[str, int | str]) -> None:
        field = next(field for field in expected if expected[field] != actual[field])
        raise self.mismatch(name, step, field, expected[field], actual[field])
