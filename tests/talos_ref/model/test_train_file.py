"""Training on a file: the model that its words need, what is written, and what is refused before the work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from talos_ref.model import train_file as train_file_module
from talos_ref.model.checkpoint import DEFAULT_PATH, load
from talos_ref.model.config import MICROGPT, ModelConfig
from talos_ref.model.train_file import read_training_words, train_file


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """A list of one word."""
    path = tmp_path / "words.txt"
    path.write_text("ab\n")
    return path


def test_published_names_give_the_committed_file(names: list[str], tmp_path: Path) -> None:
    path, out = tmp_path / "names.txt", tmp_path / "again.npz"
    path.write_text("\n".join(names) + "\n", encoding="utf-8")
    done = train_file(path, out)
    assert done.checkpoint.config == MICROGPT
    assert out.read_bytes() == DEFAULT_PATH.read_bytes()
    assert (done.report.words, done.report.duplicates, done.report.cut) == (32033, 2539, 0)
    assert 2.0 < done.loss < 2.5
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again.npz", "names.txt"]


def test_alphabet_and_dimensions(words: Path, tmp_path: Path) -> None:
    words.write_text("żółw\n\n  mors \n", encoding="utf-8")
    out = tmp_path / "out.npz"
    done = train_file(words, out, steps=3, n_embd=8, n_head=2, mlp_dim=5, n_layer=2, block_size=6)
    config = ModelConfig(alphabet="morswółż", n_embd=8, n_head=2, mlp_dim=5, n_layer=2, block_size=6)
    assert done.checkpoint == load(out, config)
    assert train_file(words, out, steps=1, alphabet="żółwmorsx").checkpoint.config.alphabet == "żółwmorsx"


@pytest.mark.parametrize(
    ("lengths", "options", "block"),
    [
        ([1], {}, 16),
        ([15, 2], {}, 16),
        ([16], {}, 17),
        ([63, 1], {}, 64),
        ([3], {"block_size": 4}, 4),
        ([80], {"block_size": 81}, 81),
        ([80], {"truncate": True}, 16),
        ([80], {"truncate": True, "block_size": 8}, 8),
    ],
)
def test_block(lengths: list[int], options: dict[str, Any], block: int, words: Path) -> None:
    words.write_text("\n".join("a" * length for length in lengths))
    listing, config = read_training_words(words, **options)
    assert config == ModelConfig(alphabet="a", block_size=block)
    assert [len(word) for word in listing.words] == lengths


@pytest.mark.parametrize(
    ("length", "options", "message"),
    [
        (64, {}, "1 word (line 1) of more than 63 letters, the longest 64 (line 1, '{}…'): block size 65"),
        (16, {"block_size": 16}, "1 word (line 1) of more than 15 letters, the longest 16 (line 1, '{}'): block"),
        (256, {"block_size": 256}, "1 word (line 1) of more than 255 letters, the longest 256 (line 1, '{}…'): the"),
    ],
)
def test_words_too_long(length: int, options: dict[str, Any], message: str, words: Path) -> None:
    words.write_text("a" * length)
    with pytest.raises(ValueError, match=r"words\.txt: 1 word") as caught:
        read_training_words(words, **options)
    assert str(caught.value).startswith(f"{words}: " + message.format("a" * min(length, 40)))


def test_letters_outside_a_given_alphabet(words: Path) -> None:
    with pytest.raises(ValueError, match=r"1 word \(line 1\) with letters outside 'bc': 'a' \(U\+0061 LATIN"):
        read_training_words(words, alphabet="bc")


def test_the_dimensions_are_checked_first(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^n_embd must be a multiple of n_head \(3\), not 16$"):
        read_training_words(tmp_path / "none.txt", n_head=3)
    with pytest.raises(ValueError, match=r"^alphabet must hold characters that can be seen, and blanks, not U"):
        read_training_words(tmp_path / "none.txt", alphabet="a\a")


def test_output_is_checked_before_training(words: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_file_module, "train_words", lambda *a, **k: pytest.fail("it was trained"))
    with pytest.raises(FileNotFoundError, match=r"^cannot write .*/missing/out\.npz: No such file or directory; give"):
        train_file(words, tmp_path / "missing" / "out.npz")
    with pytest.raises(IsADirectoryError, match=r"^cannot write .*: it is a folder; give the name of a file$"):
        train_file(words, tmp_path)
    with pytest.raises(NotADirectoryError, match=r"^cannot write .*/words\.txt/out\.npz: Not a directory; give a"):
        train_file(words, words / "out.npz")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["words.txt"]


def test_progress_bar_on_a_terminal_only(
    words: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for variable in ("FORCE_COLOR", "TTY_COMPATIBLE", "NO_COLOR"):
        monkeypatch.delenv(variable, raising=False)
    train_file(words, tmp_path / "out.npz", steps=2)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    train_file(words, tmp_path / "out.npz", steps=2)
    out, err = capsys.readouterr()
    assert out == ""
    for shown in ("train", "2/2", "loss "):
        assert shown in err
