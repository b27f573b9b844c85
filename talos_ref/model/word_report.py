"""What is found in a word list, and all that is wrong with it, in one object and one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from talos_ref.model.config import DIMENSIONS, MAX_LETTERS
from talos_ref.model.letters import is_letter, letter_name

__all__ = ["Problem", "WordListError", "WordReport", "listed", "places", "problem", "report_on"]

SHOWN = 5
"""Lines, words or letters that are named before "and N more"."""
MAX_BLOCK = DIMENSIONS["block_size"][1]

Numbered = list[tuple[int, str]]
"""Line (or place in a sequence), from 1, and word."""


def listed(items: Sequence[object]) -> str:
    """Return the first few items with commas, and how many more there are."""
    more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return ", ".join(map(str, items[:SHOWN])) + more


def places(unit: str, numbers: Sequence[int]) -> str:
    """Return "line 4" or "lines 4, 9, 12"; of many, the first few and how many more."""
    return f"{unit}{'s' if len(numbers) > 1 else ''} {listed(numbers)}"


def _shortened(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One way in which words cannot be used."""

    kind: str
    """``size``, ``encoding``, ``empty``, ``unprintable``, ``alphabet``, ``outside`` or ``too-long``."""
    count: int
    """Words (lines, for ``encoding``) that are so."""
    lines: tuple[int, ...]
    """Where the first few of them are, from 1."""
    message: str
    """The problem and its remedy, without the file."""


@dataclass(frozen=True, kw_only=True)
class WordReport:
    """Figures of a word list, and its problems."""

    file: str | None
    """Where the words come from; None for words in memory."""
    words: int
    """Words that were looked at."""
    duplicates: int
    """Words that are there before already; they count as often as they come."""
    blank_lines: int
    """Lines without a word, which are left out."""
    composed: int
    """Words that changed when letters and marks were composed (NFC)."""
    cut: int
    """Words longer than the block, of which the beginning is learnt."""
    longest: int
    """Letters of the longest word."""
    alphabet: str
    """Letters that occur, sorted."""
    problems: tuple[Problem, ...]
    """Empty if the words can be used."""

    @property
    def block_size(self) -> int:
        """Block that holds the longest word: BOS takes a position."""
        return max(2, self.longest + 1)

    @property
    def message(self) -> str:
        """All problems in one line, after the file."""
        messages = [problem.message for problem in self.problems]
        if len(messages) > 1:
            messages = [f"({number}) {message}" for number, message in enumerate(messages, 1)]
        return f"{self.file or 'words'}: {'; '.join(messages)}"

    def to_json(self) -> dict[str, Any]:
        """Return all fields, and ``block_size``."""
        return asdict(self) | {"block_size": self.block_size}


class WordListError(ValueError):
    """Words that cannot be used: the message names every problem, ``report`` has them one by one."""

    def __init__(self, report: WordReport) -> None:
        super().__init__(report.message)
        self.report = report


def problem(kind: str, message: str, numbers: Sequence[int]) -> Problem:
    """Return a problem of the words at ``numbers``."""
    return Problem(kind=kind, count=len(numbers), lines=tuple(numbers[:SHOWN]), message=message)


def _count(numbers: Sequence[int], unit: str) -> str:
    """Return "2 words (lines 4, 9)"."""
    return f"{len(numbers)} word{'s' if len(numbers) > 1 else ''} ({places(unit, numbers)})"


def _with(words: Numbered, letters: Sequence[str]) -> list[int]:
    """Return the numbers of the words that have one of ``letters``."""
    return [number for number, word in words if not set(letters).isdisjoint(word)]


def _unprintable(words: Numbered, letters: Counter[str], unit: str) -> list[Problem]:
    if not (found := sorted(letter for letter in letters if not is_letter(letter))):
        return []
    numbers, named = _with(words, found), listed([letter_name(letter) for letter in found])
    message = f"{_count(numbers, unit)} with characters that cannot be letters: {named}; remove them"
    return [problem("unprintable", message, numbers)]


def _outside(words: Numbered, letters: Counter[str], alphabet: str, unit: str) -> list[Problem]:
    if not (found := sorted(letter for letter in letters if letter not in alphabet and is_letter(letter))):
        return []
    numbers, named = _with(words, found), listed([f"{letter!r} ({letter_name(letter)})" for letter in found])
    message = f"{_count(numbers, unit)} with letters outside {_shortened(alphabet)}: {named}; leave them out"
    return [problem("outside", message, numbers)]


def _too_many(words: Numbered, letters: Counter[str], unit: str) -> list[Problem]:
    rarest = [letter for letter, _ in letters.most_common()[MAX_LETTERS:]]
    if not rarest:
        return []
    numbers = _with(words, rarest)
    where = _count(numbers, unit)
    message = f"{len(letters)} different letters, and {MAX_LETTERS} at most; leave out {where}, which have the rarest"
    return [problem("alphabet", message, numbers)]


def _too_long(words: Numbered, block_size: int, unit: str) -> list[Problem]:
    if not (numbers := [number for number, word in words if len(word) >= block_size]):
        return []
    number, word = max(words, key=lambda numbered: len(numbered[1]))
    needed = f"block size {len(word) + 1} holds it" if len(word) < MAX_BLOCK else f"the largest block is {MAX_BLOCK}"
    message = (
        f"{_count(numbers, unit)} of more than {block_size - 1} letters, the longest {len(word)} "
        f"({unit} {number}, {_shortened(word)}): {needed}; or leave them out, or cut them by --truncate"
    )
    return [problem("too-long", message, numbers)]


def report_on(
    words: Numbered,
    *,
    alphabet: str | None,
    block_size: int | None,
    truncate: bool,
    file: str | None = None,
    blank_lines: int = 0,
    composed: int = 0,
    problems: Sequence[Problem] = (),
) -> WordReport:
    """Return what is found in numbered words, and ``problems`` that were found before; options as `inspect_words`."""
    unit = "word" if file is None else "line"
    letters = Counter("".join(word for _, word in words))
    block = MAX_BLOCK if block_size is None else block_size
    found = list(problems)
    if not words and not found:
        found.append(problem("empty", "it must hold at least one word, one a line", []))
    if empty := [number for number, word in words if not word]:
        found.append(problem("empty", f"{_count(empty, unit)} without a letter; leave them out", empty))
    found += _unprintable(words, letters, unit)
    found += _too_many(words, letters, unit) if alphabet is None else _outside(words, letters, alphabet, unit)
    found += [] if truncate else _too_long(words, block, unit)
    return WordReport(
        file=file,
        words=len(words),
        duplicates=len(words) - len({word for _, word in words}),
        blank_lines=blank_lines,
        composed=composed,
        cut=sum(len(word) >= block for _, word in words) if truncate else 0,
        longest=max((len(word) for _, word in words), default=0),
        alphabet="".join(sorted(letters)),
        problems=tuple(found),
    )
