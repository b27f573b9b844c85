"""Word lists: what is taken, and that all that is wrong with one is told at once."""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from talos_ref.model import words as words_module
from talos_ref.model.config import MICROGPT, ModelConfig
from talos_ref.model.word_report import WordListError
from talos_ref.model.words import alphabet_of, check_words, inspect_words, load_names, read_words, word_tokens


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Write a word list, as text or bytes, and return its path."""

    def call(content: str | bytes) -> Path:
        path = tmp_path / "words.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return call


def refusal(path: Path, **options: Any) -> str:
    """Return what is said of a file, without its name."""
    with pytest.raises(WordListError) as caught:
        read_words(path, **options)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def test_published_names(names: list[str]) -> None:
    assert len(names) == 32033
    assert names[:3] == ["emma", "olivia", "ava"]
    assert max(map(len, names)) == 15
    assert alphabet_of(names) == MICROGPT.alphabet
    check_words(names, MICROGPT)


def test_a_list_and_its_report(write: Any) -> None:
    path = write("\ufeff ada \r\n\r\n\tżółw\n   \nbob\rada\nJosé María\nLe-Goff\n2-B\n한글\n")
    listing = read_words(path)
    assert listing.words == ("ada", "żółw", "bob", "ada", "José María", "Le-Goff", "2-B", "한글")
    assert listing.report.to_json() == {
        "file": str(path), "words": 8, "duplicates": 1, "blank_lines": 2, "composed": 0, "cut": 0, "longest": 10,
        "alphabet": "".join(sorted(set("adażółwbobJosé MaríaLe-Goff2-B한글"))), "problems": (), "block_size": 11,
    }  # fmt: skip
    assert load_names(path) == list(listing.words)


def test_everything_wrong_is_told_at_once(write: Any) -> None:
    lines = ["abba", "ab\a", "abbaabbaa", "", "abx", "\xe9", "b\u200ba", "bb", "abbaabbaabb", "\xe8a", "abba", "a\a"]
    path = write(b"\n".join(line.encode("latin-1" if line in ("\xe9", "\xe8a") else "utf-8") for line in lines))
    listing = inspect_words(path, alphabet="ab", block_size=9)
    assert listing.report.message == (
        f"{path}: (1) it must be UTF-8 text, not bytes as 0xe9 (lines 6, 10); save it as UTF-8; "
        "(2) 3 words (lines 2, 7, 12) with characters that cannot be letters: U+0007 BELL, U+200B ZERO WIDTH SPACE; "
        "remove them; (3) 1 word (line 5) with letters outside 'ab': 'x' (U+0078 LATIN SMALL LETTER X); leave them "
        "out; (4) 2 words (lines 3, 9) of more than 8 letters, the longest 11 (line 9, 'abbaabbaabb'): block size 12 "
        "holds it; or leave them out, or cut them by --truncate"
    )
    report = json.loads(json.dumps(listing.report.to_json()))
    assert [(p["kind"], p["count"], p["lines"]) for p in report["problems"]] == [
        ("encoding", 2, [6, 10]), ("unprintable", 3, [2, 7, 12]), ("outside", 1, [5]), ("too-long", 2, [3, 9])
    ]  # fmt: skip
    assert (report["words"], report["duplicates"], report["blank_lines"], report["block_size"]) == (9, 1, 1, 12)
    with pytest.raises(WordListError) as caught:
        read_words(path, alphabet="ab", block_size=9)
    assert caught.value.report == listing.report


def test_the_message_stays_short(write: Any) -> None:
    path = write("\n".join(f"{chr(0x4E00 + i)}{chr(i % 32)}{'x' * 300}" for i in range(500)))
    message = refusal(path, alphabet="abc")
    assert "500 words (lines 1, 2, 3, 4, 5 and " in message
    assert "and 495 more) of more than 255 letters, the longest 302 (line 1" in message
    assert "the largest block is 256" in message
    assert len(message) < 1500


@pytest.mark.parametrize("content", [b"", b"\n", b" \n\t\r\n", b"\xef\xbb\xbf"])
def test_empty_file(content: bytes, write: Any) -> None:
    assert refusal(write(content)) == "it must hold at least one word, one a line"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf_16(encoding: str, write: Any) -> None:
    content = ("\ufeff" if encoding == "utf-16-be" else "") + "ada\nbob\n"
    assert refusal(write(content.encode(encoding))) == (
        "it must be UTF-8 text, one word a line, not UTF-16 text"
    )


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, allow_pickle=False, a=np.full(100, np.nan))
    assert refusal(path) == "it must be UTF-8 text, one word a line, not an .npz of other arrays (a)"


def test_a_file_that_is_far_too_large(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words_module, "MAX_BYTES", 1000)
    assert refusal(write("a\n" * 501)) == "it must have at most 1000 bytes; give fewer words"
    assert refusal(Path("/dev/zero")) == "it must have at most 1000 bytes; give fewer words"
    assert len(read_words(write("a\n" * 500)).words) == 500


def test_a_giant_line(write: Any) -> None:
    assert refusal(write("ok\n" + "a" * 5_000_000)) == (
        f"1 word (line 2) of more than 255 letters, the longest 5000000 (line 2, '{'a' * 40}…'): "
        "the largest block is 256; or leave them out, or cut them by --truncate"
    )


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.txt"):
        read_words(tmp_path / "none.txt")
    with pytest.raises(IsADirectoryError):
        read_words(tmp_path)


def test_a_stream_that_cannot_be_read_twice(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"ada\nbob\n\xff\n")
    os.close(writer)
    try:
        listing = inspect_words(f"/dev/fd/{reader}")
    finally:
        os.close(reader)
    assert listing.words == ("ada", "bob")
    assert [problem.kind for problem in listing.report.problems] == ["encoding"]


def test_both_ways_of_writing_a_letter_are_one(write: Any) -> None:
    composed, decomposed = unicodedata.normalize("NFC", "José"), unicodedata.normalize("NFD", "José")
    assert composed != decomposed
    listing = read_words(write(f"{composed}\n{decomposed}\n{unicodedata.normalize('NFD', '한글')}\n"))
    assert listing.words == (composed, composed, "한글")
    assert (listing.report.composed, listing.report.duplicates, listing.report.longest) == (2, 1, 4)
    assert listing.report.alphabet == "".join(sorted("José한글"))


def test_a_mark_without_a_composed_letter_is_a_letter_of_its_own(write: Any) -> None:
    # Devanagari has vowel signs and a virama; x with acute has no code point.
    listing = read_words(write("हिन्दी\nx\u0301\n"))
    assert listing.words == ("हिन्दी", "x\u0301")
    assert {"\u093f", "\u094d", "\u0940", "\u0301"} <= set(listing.report.alphabet)


def test_255_letters_and_one_more(write: Any) -> None:
    letters = [chr(0xAC00 + i) for i in range(256)]
    listing = read_words(write("\n".join(letters[:255])))
    assert ModelConfig(alphabet=listing.report.alphabet).vocab_size == 256
    common = "\n".join(letters[:255] * 2)
    assert refusal(write(f"{common}\n{letters[255]}{letters[0]}\n{letters[255]}\n{letters[0]}\n")) == (
        "256 different letters, and 255 at most; leave out 2 words (lines 511, 512), which have the rarest"
    )


def test_alphabet_of() -> None:
    assert alphabet_of(["cab", "ba"]) == "abc"
    with pytest.raises(ValueError, match=r"^words must use at most 255 different letters, not 256$"):
        alphabet_of([chr(0x4E00 + i) for i in range(256)])
    with pytest.raises(ValueError, match=r"^words must hold at least one letter$"):
        alphabet_of([])


def test_limit_looks_at_the_first_words_only(write: Any) -> None:
    path = write("ada\n\nbob\nCleo\n" + "d" * 20)
    assert read_words(path, alphabet="abdo", block_size=4, limit=2).words == ("ada", "bob")
    assert "(line 4)" in refusal(path, alphabet="abdo", block_size=9, limit=3)


def test_truncate_takes_long_words_whole(write: Any) -> None:
    path = write("abc\nabcd\nabcde\n")
    listing = read_words(path, block_size=4, truncate=True)
    assert (listing.words, listing.report.cut) == (("abc", "abcd", "abcde"), 2)


def test_tokens_are_cut_as_the_published_trainer_cuts_them() -> None:
    config = ModelConfig(alphabet="abcde", block_size=4)
    for word in ("a", "abc", "abcd", "abcde"):
        tokens = [5, *map("abcde".index, word), 5]
        count = min(4, len(tokens) - 1)
        # microgpt.py predicts token i + 1 from token i for i below count.
        assert word_tokens(word, config) == tokens[: count + 1]
    assert word_tokens("abc", config) == [5, 0, 1, 2, 5]
    assert word_tokens("abcde" * 1000, config) == [5, 0, 1, 2, 3]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "words: it must hold at least one word, one a line"),
        (["ada", ""], "words: 1 word (word 2) without a letter; leave them out"),
        (
            ["a" * 15, "b" * 16],
            "words: 1 word (word 2) of more than 15 letters, the longest 16 (word 2, 'bbbbbbbbbbbbbbbb'): "
            "block size 17 holds it; or leave them out, or cut them by --truncate",
        ),
        (
            ["Ada"],
            "words: 1 word (word 1) with letters outside 'abcdefghijklmnopqrstuvwxyz': "
            "'A' (U+0041 LATIN CAPITAL LETTER A); leave them out",
        ),
        (
            ["a\ud800"],
            "words: 1 word (word 1) with characters that cannot be letters: U+D800 lone surrogate; remove them",
        ),
    ],
)
def test_words_in_memory_that_do_not_fit(words: list[str], message: str) -> None:
    with pytest.raises(WordListError) as caught:
        check_words(words, MICROGPT)
    assert str(caught.value) == message


def test_no_word_is_too_long_where_words_are_cut() -> None:
    check_words(["a" * 500], MICROGPT, truncate=True)
