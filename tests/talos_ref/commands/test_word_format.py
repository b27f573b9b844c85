"""The format that a command computes in, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from talos_ref.commands.word_format import model_words, pick_arithmetic, pick_format
from talos_ref.golden.format import Q4_12, Q6_12
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.studies.format_choice import choose_format

Errors = Callable[[], str]


@pytest.fixture
def errors(capsys: pytest.CaptureFixture[str]) -> Errors:
    """Return what was said on standard error since the last call, and that nothing was on standard output."""

    def read() -> str:
        captured = capsys.readouterr()
        assert captured.out == ""
        return captured.err

    return read


@pytest.fixture
def heavy(small_checkpoint: Checkpoint) -> Checkpoint:
    """A model whose first matrix of the MLP is far beyond Q4.12."""
    tensors = dict(small_checkpoint.tensors)
    tensors["layer0.fc1"] = np.clip(tensors["layer0.fc1"] * 40, -25, 25)
    tensors["layer0.fc2"] = tensors["layer0.fc2"] * np.float32(1 / 40)
    return Checkpoint(small_checkpoint.config, tensors)


def test_the_published_checkpoint_has_q4_12(checkpoint: Checkpoint, errors: Errors) -> None:
    for asked in ("auto", "Q4.12"):
        assert pick_format(checkpoint, "precise", asked) == Q4_12
        assert pick_format(checkpoint, "talos-v2", asked) == Q4_12
    assert errors() == ""


def test_auto_picks_what_holds_the_model_and_says_so(heavy: Checkpoint, errors: Errors) -> None:
    words = ["xyz", "é z", "zzx"]
    choice = choose_format(heavy, words)
    assert choice.word == Q6_12
    assert pick_format(heavy, "precise", "auto", words) == Q6_12
    assert errors() == f"note: {choice.reason}\nwarning: {choice.warning}\n"
    spec = pick_arithmetic(heavy, "precise", "auto", words)
    assert spec is not None
    assert (spec.name, spec.word.width) == ("precise", 18)


def test_without_words_a_model_is_measured_on_its_own(heavy: Checkpoint, errors: Errors) -> None:
    words = model_words(heavy, 50)
    assert 0 < len(words) <= 50
    assert all(set(word) <= set(heavy.config.alphabet) for word in words)
    assert pick_format(heavy, "precise", "auto") == Q6_12
    assert errors().startswith("note: Q6.12 is the ")


def test_a_format_that_clips_is_warned_of_once(heavy: Checkpoint, errors: Errors) -> None:
    assert pick_format(heavy, "precise", "Q4.12") == Q4_12
    said = errors()
    assert said.startswith("warning: Q4.12 clips layer0.fc1 (")
    assert said.endswith("of 240, up to 25); --format auto picks one that holds them\n")
    assert said.count("\n") == 1
    assert pick_format(heavy, "precise", "Q6.12") == Q6_12
    assert errors() == ""


def test_float_has_no_format(checkpoint: Checkpoint) -> None:
    assert pick_arithmetic(checkpoint, "float", "auto") is None


def test_refused(checkpoint: Checkpoint, small_checkpoint: Checkpoint) -> None:
    with pytest.raises(ValueError, match=r"^format must be one of Q4\.12, Q5\.12, Q6\.12, not 'Q9\.9'$"):
        pick_format(checkpoint, "precise", "Q9.9")
    with pytest.raises(ValueError, match=r"^word must be Q4\.12 in talos-v2, not Q5\.12"):
        pick_format(checkpoint, "talos-v2", "Q5.12")
    with pytest.raises(ValueError, match="n_embd must be"):
        pick_format(small_checkpoint, "talos-v2", "auto", ["x"])
