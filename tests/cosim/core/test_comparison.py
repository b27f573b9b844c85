"""Turns compared all at once: the same cycles as one by one, and no digit of a recording that could be another one."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim.core.answers import Answers
from cosim.core.checker import Checker, Mismatch
from cosim.core.comparison import IDLE, Comparison
from cosim.core.enums import STAGES
from cosim.core.model import GoldenModel
from cosim.core.recorder import Change, Recording, packings, read_turn
from cosim.core.request import name_request
from hdl.core.cores import core_config
from tests.helpers.designs import published

CORE = core_config("tile16")
LAYOUTS = packings(CORE)
REQUESTS = [name_request(seed, 0x80, 15) for seed in range(1, 8)]
SEED = 5


@pytest.fixture(scope="module")
def answers() -> Answers:
    return GoldenModel(published("tile16")).answers(REQUESTS)


def recorded(answers: Answers) -> Recording:
    """Return what the recorder writes of a right core that takes 10 cycles a step, and rests 3 between requests."""
    counts = answers.counts
    edges = 100 + 10 * (1 + np.arange(counts.sum())) + 3 * np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    cycles = 10 * counts
    letters = counts - (answers.fields["token_out"][starts + counts - 1] == CORE.model.bos)
    zero = np.zeros_like(counts)
    stages = {f"stages[{stage}]": zero for stage in STAGES.values()} | {"stages[4]": cycles}
    logits = {f"[{token}]": column for token, column in enumerate(answers.logits.T)}
    return Recording(
        result_numbers=np.repeat(np.arange(len(counts)), counts),
        edges=edges,
        payloads=LAYOUTS["RESULT"].digits(answers.fields),
        logits=LAYOUTS["LOGITS"].digits(logits),
        accepted=edges[starts] - 10,
        states=Recording.state.digits({name: zero + value for name, value in (IDLE | {"given_up": 0}).items()}),
        counters=LAYOUTS["COUNTERS"].digits({"cycles": cycles, "steps": counts, "letters": letters, **stages}),
        changes=(),
    )


def compare(answers: Answers, recording: Recording) -> tuple[Checker, list[Any]]:
    checker = Checker(CORE, "Sim 1.0")
    limits = np.full(len(REQUESTS), 999)
    return checker, Comparison(checker).compare(REQUESTS, answers, recording, limits)


def test_a_right_turn_is_counted_as_one_by_one(answers: Answers) -> None:
    recording = recorded(answers)
    checker, counted = compare(answers, recording)
    plain = Checker(CORE, "Sim 1.0")
    assert counted == Comparison(plain)._one_by_one(REQUESTS, answers, recording, np.full(len(REQUESTS), 999))
    assert (checker.steps, checker.values) == (plain.steps, plain.values) == (len(recording.edges), plain.values)
    tokens = np.split(answers.fields["token_out"], np.cumsum(answers.counts)[:-1])
    assert [found.letters for found in counted] == [int((name != CORE.model.bos).sum()) for name in tokens]
    assert counted[0].step_cycles == (10,) * int(answers.counts[0])


def test_no_digit_can_be_another(answers: Answers) -> None:
    """Any digit of a result, a state or the counters, X too; the edges that a request begins and ends with."""
    right, draw = recorded(answers), random.Random(SEED)
    for what in ["payloads", "logits", "states", "counters"] * 40:
        digits = getattr(right, what).copy()
        row, column = draw.randrange(digits.shape[0]), draw.randrange(digits.shape[1])
        digits[row, column] = draw.choice([ord("x"), digits[row, column] ^ 1])
        wrong = replace(right, **{what: digits})
        text = digits[row].tobytes().decode()
        with pytest.raises(Mismatch) as caught:
            compare(answers, wrong)
        where = row if what in ("states", "counters") else int(right.result_numbers[row])
        assert caught.value.seed == REQUESTS[where].seed, f"seed {SEED}: {what} {row} {text}"
    ends = np.cumsum(answers.counts) - 1
    for what, places in (("result_numbers", range(len(right.edges))), ("edges", ends), ("accepted", range(7))):
        numbers = getattr(right, what).copy()
        numbers[draw.choice(places)] += 1
        with pytest.raises(Mismatch):
            compare(answers, replace(right, **{what: numbers}))


def rows(right: Recording, order: list[int], numbers: list[int] | None = None) -> Recording:
    """Return a recording with other results, in another order, or of other requests."""
    return replace(
        right,
        result_numbers=right.result_numbers[order] if numbers is None else np.array(numbers),
        payloads=right.payloads[order],
        logits=right.logits[order],
        edges=right.edges[order],
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda r: rows(r, [1, 0, *range(2, len(r.edges))]), r"seed 1, step 0, stage LM_HEAD: logits\[0\] must be"),
        (lambda r: rows(r, list(range(1, len(r.edges)))), r"seed 1, step 0, stage LM_HEAD: logits\[0\] must be"),
        (lambda r: rows(r, [*range(len(r.edges)), 0], [*r.result_numbers, 6]), "stage IDLE: result must be None, not "),
        (lambda r: replace(r, changes=(Change(1, 0, "logits", "0", "1"),)), "offered logits must be '0', not '1'"),
        (
            lambda r: replace(r, changes=(Change(0, 0, "result", "none", "0" * LAYOUTS["RESULT"].width),)),
            r"result must be None, not \{'position': 0",
        ),
        (
            lambda r: replace(r, states=given_up(r.states, 2)),
            r"seed 3, step \d, stage IDLE: result must be 'offered in 999 cycles', not None",
        ),
    ],
)
def test_other_turns_are_refused(wrong: Callable[[Recording], Recording], message: str, answers: Answers) -> None:
    """Steps swapped, dropped or doubled; offers that change; results outside a turn; a core that hangs."""
    with pytest.raises(Mismatch, match=message):
        compare(answers, wrong(recorded(answers)))


def given_up(states: Any, request: int) -> Any:
    changed = states.copy()
    changed[request, 0] = ord("1")
    return changed


def test_lines_that_are_cut_off_are_refused(tmp_path: Path) -> None:
    width = 32 + 64 + LAYOUTS["RESULT"].width + LAYOUTS["LOGITS"].width
    (tmp_path / "changes").write_text("")
    (tmp_path / "ends").write_text("")
    (tmp_path / "results").write_text("0" * width + "\n" + "0" * 20)
    with pytest.raises(ValueError, match=rf"^.*/results must have lines of {width} digits$"):
        read_turn(CORE, tmp_path)
