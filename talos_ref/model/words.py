"""Word lists: the published names, or any list of words, one a line."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from talos_ref.model.config import MAX_LETTERS, ModelConfig
from talos_ref.model.file_kind import file_kind
from talos_ref.model.published_names import published_names
from talos_ref.model.word_report import Problem, WordListError, WordReport, places, problem, report_on

__all__ = [
    "WordList",
    "alphabet_of",
    "check_words",
    "inspect_words",
    "load_names",
    "names_path",
    "read_words",
    "word_tokens",
]

MAX_BYTES = 1 << 26
"""Largest file that is read: some eight million words."""


@dataclass(frozen=True)
class WordList:
    """Words in their order, duplicates kept, and what was found in them."""

    words: tuple[str, ...]
    report: WordReport


def _decode(data: bytes) -> tuple[dict[int, str], list[Problem]]:
    """Return the lines of a file by number, and a problem if some are missing because they are not UTF-8."""
    pieces = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    if not pieces[-1]:
        pieces.pop()  # what follows the last line break is no line
    lines, bad, first = {}, [], b""
    for number, piece in enumerate(pieces, 1):
        try:
            lines[number] = piece.decode("utf-8")
        except UnicodeDecodeError as error:
            first = first or piece[error.start : error.start + 1]
            bad.append(number)
    if not bad:
        return lines, []
    if (kind := file_kind(data)).is_known:
        return {}, [problem("encoding", f"it must be UTF-8 text, one word a line, not {kind.name}", bad)]
    message = f"it must be UTF-8 text, not bytes as {first[0]:#04x} ({places('line', bad)}); save it as UTF-8"
    return lines, [problem("encoding", message, bad)]


def inspect_words(
    path: str | Path,
    *,
    alphabet: str | None = None,
    block_size: int | None = None,
    truncate: bool = False,
    limit: int | None = None,
) -> WordList:
    """Return the words of a UTF-8 file and the report on them, whatever is wrong with them.

    A word is a line, stripped; blank lines are dropped. Letters and combining marks are composed where Unicode has a
    composed character (NFC), so that the two ways of writing "é" are one letter; a mark that stays is a letter of its
    own. Case is kept.

    Parameters
    ----------
    alphabet
        Letters that may occur; None for any, up to 255.
    block_size
        Positions of the model: words have at most one letter less. None for the largest block there is.
    truncate
        Whether longer words are taken, to be cut.
    limit
        Words at most, the first ones; those behind are not looked at.

    Raises OSError if the file cannot be read.
    """
    with open(path, "rb") as stream:
        data = stream.read(MAX_BYTES + 1)
    size = problem("size", f"it must have at most {MAX_BYTES} bytes; give fewer words", [])
    lines, problems = ({}, [size]) if len(data) > MAX_BYTES else _decode(data)
    stripped = [(number, line.strip()) for number, line in lines.items()]
    numbered = [(number, word) for number, word in stripped if word][:limit]
    words = [(number, unicodedata.normalize("NFC", word)) for number, word in numbered]
    report = report_on(
        words,
        alphabet=alphabet,
        block_size=block_size,
        truncate=truncate,
        file=str(path),
        blank_lines=sum(not word for _, word in stripped),
        composed=sum(one != other for one, other in zip(words, numbered, strict=True)),
        problems=problems,
    )
    return WordList(words=tuple(word for _, word in words), report=report)


def read_words(
    path: str | Path,
    *,
    alphabet: str | None = None,
    block_size: int | None = None,
    truncate: bool = False,
    limit: int | None = None,
) -> WordList:
    """Return what `inspect_words` does; raise WordListError, which names everything, if anything is wrong."""
    listing = inspect_words(path, alphabet=alphabet, block_size=block_size, truncate=truncate, limit=limit)
    if listing.report.problems:
        raise WordListError(listing.report)
    return listing


def check_words(words: Sequence[str], config: ModelConfig, truncate: bool = False) -> None:
    """Raise WordListError, which names all of them, if words are empty, too long for the block, or beyond the alphabet.

    The words are taken as they are: a letter and its mark are two. With ``truncate`` none is too long.
    """
    numbered = list(enumerate(words, 1))
    report = report_on(numbered, alphabet=config.alphabet, block_size=config.block_size, truncate=truncate)
    if report.problems:
        raise WordListError(report)


def alphabet_of(words: Sequence[str]) -> str:
    """Return the letters of ``words``, sorted; ValueError if there are none, or more than 255."""
    letters = sorted(set("".join(words)))
    if not letters:
        raise ValueError("words must hold at least one letter")
    if len(letters) > MAX_LETTERS:
        raise ValueError(f"words must use at most {MAX_LETTERS} different letters, not {len(letters)}")
    return "".join(letters)


def word_tokens(word: str, config: ModelConfig) -> list[int]:
    """Return BOS + letters + BOS, cut to the ``block_size`` predictions that the published trainer makes at most."""
    return [config.bos, *config.encode(word[: config.block_size]), config.bos][: config.block_size + 1]


def names_path(option: str | Path | None = None) -> Path:
    """Return the file that ``--names`` gives, else ``$TALOS_NAMES``, else the published names, downloaded once.

    Raises OSError if they have to be downloaded and cannot be.
    """
    given = option or os.environ.get("TALOS_NAMES")
    return Path(given) if given else published_names()


def load_names(path: str | Path | None = None) -> list[str]:
    """Return the words of the file of `names_path`; raises as that and `read_words`."""
    return list(read_words(names_path(path)).words)
