"""What the recorder has seen against the golden model: all results of a turn at once, one by one where they differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cosim.core.answers import Answers
from cosim.core.checker import Checker, Counted, Transfer
from cosim.core.enums import STAGES, stage_name
from cosim.core.payload import Digits, Ints
from cosim.core.recorder import Recording, packings
from cosim.core.request import Request

__all__ = ["IDLE", "Comparison"]

IDLE = {"busy": 0, "error": 0, "stage": STAGES["IDLE"], "result__valid": 0, "request__ready": 1}
"""The ports of a core right after the last result of a legal request."""


class Comparison:
    """Compares turns; what it finds is what `Checker` finds, and that is asked to word the first difference.

    Parameters
    ----------
    checker
        Counts what was compared, and names the core.
    """

    def __init__(self, checker: Checker) -> None:
        self._checker, self._core = checker, checker.core
        self._packings = packings(checker.core)
        idle = IDLE | {"given_up": 0}
        self._idle = Recording.state.digits({name: np.array([value]) for name, value in idle.items()})

    def compare(
        self, requests: Sequence[Request], answers: Answers, recording: Recording, limits: Ints
    ) -> list[Counted]:
        """Return the cycles of a turn's requests; ``limits`` after which each was given up.

        Raises Mismatch at the first difference, as it would have been seen one by one: a digit of a result, a result
        too many or too few or of another request, an offered result that changed, a core that is not idle after a
        request, a counter.
        """
        counted = self._all_at_once(requests, answers, recording)
        if counted is None:
            self._one_by_one(requests, answers, recording, limits)
            raise ValueError("recording must differ from the golden model one by one, too")
        checker = self._checker
        checker.steps += len(recording.edges)
        values = len(self._packings["LOGITS"].slots) + len(self._packings["RESULT"].slots)
        checker.values += len(recording.edges) * values + len(requests) * len(self._packings["COUNTERS"].slots)
        return counted

    def _all_at_once(
        self, requests: Sequence[Request], answers: Answers, recording: Recording
    ) -> list[Counted] | None:
        """Return the cycles of all requests, None if anything differs."""
        counts, edges, accepted = answers.counts, recording.edges, recording.accepted
        if recording.changes or (len(accepted), len(edges)) != (len(requests), counts.sum()):
            return None
        logits = {f"[{token}]": column for token, column in enumerate(answers.logits.T)}
        same = (
            np.array_equal(recording.result_numbers, np.repeat(np.arange(len(requests)), counts)),
            np.array_equal(recording.logits, self._packings["LOGITS"].digits(logits)),
            np.array_equal(recording.payloads, self._packings["RESULT"].digits(answers.fields)),
            (recording.states == self._idle).all(),
            (recording.counters >> 1 == ord("0") >> 1).all(),
        )
        if not all(same):
            return None
        starts = np.cumsum(counts) - counts
        cycles = edges[starts + counts - 1] - accepted
        letters = np.add.reduceat((answers.fields["token_out"] != self._core.model.bos).astype(np.int64), starts)
        seen = self._packings["COUNTERS"].columns(recording.counters)
        stages = np.stack([seen[f"stages[{stage}]"] for stage in STAGES.values()], axis=1)
        same = (
            np.array_equal(seen["cycles"], cycles),
            np.array_equal(seen["steps"], counts),
            np.array_equal(seen["letters"], letters),
            not stages[:, STAGES["IDLE"]].any(),
            np.array_equal(stages.sum(axis=1), cycles),
        )
        if not all(same):
            return None
        before = np.concatenate([accepted[:1], edges[:-1]])
        before[starts] = accepted
        steps = np.split(edges - before, starts[1:])
        return [
            Counted(request, int(cycles[index]), tuple(steps[index].tolist()), int(letters[index]), tuple(row.tolist()))
            for index, (request, row) in enumerate(zip(requests, stages, strict=True))
        ]

    def _one_by_one(
        self, requests: Sequence[Request], answers: Answers, recording: Recording, limits: Ints
    ) -> list[Counted]:
        """Return the cycles of all requests; Mismatch at the first difference."""
        checker, counted = self._checker, []
        for index, request in enumerate(requests):
            checker.expect(request, answers.of(index))
            for row in np.flatnonzero(recording.result_numbers == index):
                edge = int(recording.edges[row])
                self._raise_changes(recording, index, edge)
                checker.observe(Transfer(edge, _text(recording.payloads[row]), _text(recording.logits[row])))
            self._raise_changes(recording, index)
            if index == len(recording.accepted):
                raise ValueError(f"recording must have an end of request {index}")
            state = recording.state.unpack(_text(recording.states[index]))
            if state["given_up"]:
                stage = stage_name(_text(recording.states[index, -self._packings["STAGE"].width :]))
                raise checker.mismatch(request, stage, "result", f"offered in {limits[index]} cycles", None)
            counters = _text(recording.counters[index])
            counted.append(checker.finish(request, int(recording.accepted[index]), counters))
            for name, value in IDLE.items():
                if state[name] != value:
                    raise checker.mismatch(request, "IDLE", name, value, state[name])
        return counted

    def _raise_changes(self, recording: Recording, number: int, edge: int | None = None) -> None:
        """Raise what changed that must not, of a request and up to a clock edge."""
        for change in recording.changes:
            if change.number == number and (edge is None or change.edge <= edge):
                if change.what == "result":
                    seen = self._packings["RESULT"].unpack(change.now)
                    self._checker.drop()
                    raise self._checker.mismatch(None, "IDLE", "result", None, seen)
                raise self._checker.mismatch(None, "STALL", f"offered {change.what}", change.before, change.now)


def _text(digits: Digits) -> str:
    return digits.tobytes().decode()
