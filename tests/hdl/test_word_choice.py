"""Which format a core gets with a checkpoint."""

from __future__ import annotations

import numpy as np
import pytest

from hdl.word_choice import choose_word
from talos_ref.golden.format import Q4_12, Q5_12, Q6_12
from talos_ref.model.checkpoint import Checkpoint


def scaled(checkpoint: Checkpoint, name: str, factor: float) -> Checkpoint:
    """Return a checkpoint with one tensor multiplied."""
    tensors = {**checkpoint.tensors, name: checkpoint.tensors[name] * np.float32(factor)}
    return Checkpoint(checkpoint.config, tensors)


def test_the_published_model_keeps_its_format(checkpoint: Checkpoint) -> None:
    for name in ("precise", "talos-v2"):
        chosen = choose_word(name, checkpoint)
        assert (chosen.word, chosen.warning) == (Q4_12, None)
        assert chosen.reason == "Q4.12 is the published format of these weights"


def test_weights_that_do_not_fit_take_a_wider_word(checkpoint: Checkpoint) -> None:
    """Queries of eight times their size: scores that Q4.12 clips."""
    large = scaled(checkpoint, "layer0.wq", 24)
    chosen = choose_word("precise", large)
    assert chosen.word in (Q5_12, Q6_12)
    asked = choose_word("precise", large, "Q4.12")
    assert asked.word == Q4_12
    assert asked.reason == "Q4.12 was asked for"
    assert asked.warning is not None
    assert asked.warning.startswith("Q4.12 clips ")
    assert asked.warning.endswith(f"; --format auto takes {chosen.word}")
    forced = choose_word("talos-v2", large)
    assert forced.word == Q4_12
    assert forced.warning is not None


def test_a_list_of_words_is_what_is_measured(checkpoint: Checkpoint, names: list[str]) -> None:
    reasons = {choose_word("precise", checkpoint, words=names[:count]).reason for count in (50, 100)}
    assert len(reasons) == 2
    assert all(reason.startswith("Q4.12 is the smallest format in which ") for reason in reasons)


@pytest.mark.parametrize(
    ("name", "format", "message"),
    [
        ("precise", "Q7.12", r"^format must be one of Q4\.12, Q5\.12, Q6\.12, not 'Q7\.12'$"),
        ("talos-v2", "Q6.12", r"^word must be Q4\.12 in talos-v2, not Q6\.12; use precise for wider words$"),
        ("none", None, "^arithmetic must be one of "),
    ],
)
def test_what_cannot_be_had(checkpoint: Checkpoint, name: str, format: str | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        choose_word(name, checkpoint, format)
