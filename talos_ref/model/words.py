"""Word lists: the published names, or any list of words, one a line."""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from talos_ref.files import write_bytes
from talos_ref.model.config import ModelConfig
from talos_ref.progress import progress_bar

__all__ = [
    "load_names",
    "read_words",
    "alphabet_of",
    "check_words",
    "download",
    "cache_path",
    "NAMES_SHA256",
    "NAMES_URL",
]

NAMES_URL = "https://raw.githubusercontent.com/karpathy/makemore/988aa59e4d8fefa526d06f3b453ad116258398d4/names.txt"
"""Public home of the names (karpathy/makemore), at a fixed commit."""
NAMES_SHA256 = "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d"
NAMES_BYTES = 228_145
MAX_LETTERS = 255
"""Longest alphabet: a token is a byte, and BOS takes one."""

_REMEDY = "check the network, or point TALOS_NAMES at a local copy of the file"


def read_words(path: str | Path) -> list[str]:
    """Return the words of a UTF-8 file, one a line, stripped, blank lines dropped.

    Raises OSError if it cannot be read, and ValueError if it is not UTF-8 text or holds no word.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        found = f"byte {error.object[error.start]:#04x} at {error.start}"
        raise ValueError(f"{path} must be UTF-8 text, not {found}") from None
    words = [word for line in text.split("\n") if (word := line.strip())]
    if not words:
        raise ValueError(f"{path} must hold at least one word, one a line; it is empty")
    return words


def alphabet_of(words: Sequence[str]) -> str:
    """Return the letters of ``words``, sorted; ValueError if there are none, or more than 255."""
    letters = sorted(set("".join(words)))
    if not letters:
        raise ValueError("words must hold at least one letter")
    if len(letters) > MAX_LETTERS:
        raise ValueError(f"words must use at most {MAX_LETTERS} different letters, not {len(letters)}")
    return "".join(letters)


def check_words(words: Sequence[str], config: ModelConfig) -> None:
    """Raise ValueError if there is no word, or one that is empty, too long for the block or beyond the alphabet."""
    if not words:
        raise ValueError("words must hold at least one word")
    letters = set(config.alphabet)
    for number, word in enumerate(words, 1):
        if not 1 <= len(word) <= config.max_letters:
            raise ValueError(
                f"word {number} must have 1 to {config.max_letters} letters, not {len(word)} ({word[:40]!r}); "
                f"leave it out, or use a block_size of at least {len(word) + 1}"
            )
        if not letters.issuperset(word):
            letter = next(letter for letter in word if letter not in letters)
            raise ValueError(f"word {number} must use letters of {config.alphabet!r} only, not {letter!r} ({word!r})")


def cache_path() -> Path:
    """Return where a downloaded names file is kept: ``$XDG_CACHE_HOME`` or ``~/.cache``, folder ``talos_ref``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "talos_ref" / "names.txt"


def _matches(data: bytes) -> bool:
    return hashlib.sha256(data).hexdigest() == NAMES_SHA256


def download(path: str | Path, url: str = NAMES_URL) -> Path:
    """Write the published names to ``path``, once all of them have arrived and their SHA-256 is right.

    Draws a progress bar on a terminal. Raises OSError, with nothing written, if the transfer fails, stops early, or
    gives another file.
    """
    data = b""
    try:
        with urllib.request.urlopen(url, timeout=30) as response, progress_bar("names", NAMES_BYTES) as report:
            while len(data) <= NAMES_BYTES and (piece := response.read(16_384)):
                data += piece
                report(len(data), "bytes")
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise OSError(f"download of {url} failed: {reason}; {_REMEDY}") from None
    if len(data) < NAMES_BYTES:
        raise OSError(f"download of {url} was interrupted after {len(data)} of {NAMES_BYTES} bytes; {_REMEDY}")
    if not _matches(data):
        raise OSError(f"download of {url} must have SHA-256 {NAMES_SHA256}; it is another file; {_REMEDY}")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    return write_bytes(path, data)


def load_names(path: str | Path | None = None) -> list[str]:
    """Return the words of ``path``, else of ``$TALOS_NAMES``, else the published names, downloaded once and kept.

    Raises OSError if the file cannot be read or had, and ValueError as `read_words`.
    """
    path = path or os.environ.get("TALOS_NAMES")
    if path:
        return read_words(path)
    cached = cache_path()
    if not cached.is_file() or not _matches(cached.read_bytes()):
        download(cached)
    return read_words(cached)
