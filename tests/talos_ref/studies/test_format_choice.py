"""The format of a checkpoint: planted ones that need each of the three, and one that none holds."""

from __future__ import annotations

import numpy as np
import pytest

from talos_ref.golden.format import FORMATS, Q4_12, Q5_12, Q6_12, Format
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig
from talos_ref.studies.format_choice import KL_LIMIT, NLL_LIMIT, SAMPLE, choose_format


@pytest.fixture(scope="module")
def words(names: list[str]) -> list[str]:
    return names[:150]


def scaled(checkpoint: Checkpoint, **factors: float) -> Checkpoint:
    """Tensors times factors, the others as they are."""
    tensors = {name: tensor * np.float32(factors.get(name, 1)) for name, tensor in checkpoint.tensors.items()}
    return Checkpoint(checkpoint.config, tensors)


def test_published_checkpoint_has_the_published_word(checkpoint: Checkpoint, names: list[str]) -> None:
    choice = choose_format(checkpoint, names[:500])
    assert choice.word == Q4_12
    assert choice.characters == 3517
    assert f"{choice.nll_float:.5f} {choice.trial.nll:.5f} {choice.trial.kl:.1e}" == "2.26331 2.26333 1.1e-07"
    assert [trial.word for trial in choice.trials] == list(FORMATS)
    assert choice.reason == (
        "Q4.12 is the smallest format in which clipping is harmless: "
        "NLL 2.26333 where float64 has 2.26331, KL 1.1e-07"
    )
    # Logits below -8, which are those of letters that are never drawn.
    assert set(choice.trial.clipped) == {"logits", "logits before scale"}
    assert choice.warning is not None
    assert choice.warning.startswith("Q4.12 clips logits (")
    assert choice.warning.endswith("; that is harmless, and Q5.12 would hold everything")
    assert not choice.trials[1].clipped


# RMSNorm takes a factor of both embeddings away again, so that the model stays what it is and only their range grows.
@pytest.mark.parametrize(("factor", "word"), [(1, Q4_12), (8, Q5_12), (16, Q6_12)])
def test_embeddings_that_grow_need_a_wider_word(
    checkpoint: Checkpoint, words: list[str], factor: int, word: Format
) -> None:
    choice = choose_format(scaled(checkpoint, wte=factor, wpe=factor), words)
    assert choice.word == word
    assert abs(choice.trial.nll - choice.nll_float) < 1e-4
    assert not choice.trial.weights
    for narrower in choice.trials[: FORMATS.index(word)]:
        assert narrower.activations["embed"].count > 0
        assert not narrower.is_harmless(choice.nll_float)


def test_weights_that_grow_need_a_wider_word(checkpoint: Checkpoint, words: list[str]) -> None:
    # What fc1 multiplies by, fc2 divides by; the weights leave Q4.12, and the hidden units Q5.12.
    choice = choose_format(scaled(checkpoint, **{"layer0.fc1": 16, "layer0.fc2": 1 / 16}), words)
    assert choice.word == Q6_12
    assert [set(trial.weights) for trial in choice.trials] == [{"layer0.fc1"}, set(), set()]
    assert "layer0.hidden" in choice.trials[1].activations
    assert choice.trials[0].weights["layer0.fc1"].largest == pytest.approx(16 * 0.64, abs=0.1)


def test_what_no_format_holds_is_warned_of(checkpoint: Checkpoint, words: list[str]) -> None:
    choice = choose_format(scaled(checkpoint, wte=64, wpe=64), words)
    assert choice.word == Q6_12
    assert choice.reason.startswith("Q6.12 is the format in which clipping costs least: NLL ")
    assert choice.warning is not None
    assert choice.warning.startswith("Q6.12 clips ")
    assert "embed (" in choice.warning
    assert choice.warning.endswith("; train for fewer steps: weights grow with every one")
    assert "\n" not in choice.warning


def test_what_talos_v2_can_t_hold_is_sent_to_precise(checkpoint: Checkpoint, words: list[str]) -> None:
    choice = choose_format(scaled(checkpoint, wte=16, wpe=16), words, "talos-v2")
    assert (choice.word, len(choice.trials)) == (Q4_12, 1)
    assert choice.warning is not None
    assert choice.warning.endswith("; use precise, which loses less")
    harmless = choose_format(checkpoint, words, "talos-v2")
    assert harmless.warning is not None
    assert harmless.warning.endswith("; that is harmless")


def test_nothing_to_warn_of() -> None:
    config = ModelConfig(alphabet="ab", block_size=4, n_embd=4, n_head=1, mlp_dim=4)
    rng = np.random.default_rng(1)
    shapes = config.shapes().items()
    checkpoint = Checkpoint(config, {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes})
    choice = choose_format(checkpoint, ["ab", "ba", "aab"] * SAMPLE)
    assert (choice.word, choice.warning) == (Q4_12, None)
    assert choice.reason.startswith("Q4.12 is the smallest format in which nothing clips: NLL ")
    # Every third word of the list is the same: a sample of them.
    assert choice.characters == SAMPLE * 3
    assert abs(choice.trial.nll - choice.nll_float) <= NLL_LIMIT
    assert choice.trial.kl <= KL_LIMIT


def test_refusals(checkpoint: Checkpoint) -> None:
    with pytest.raises(ValueError, match=r"^words: it must hold at least one word, one a line$"):
        choose_format(checkpoint, [])
    with pytest.raises(ValueError, match=r"^arithmetic must be one of folded, precise, talos-v2, not 'exact'$"):
        choose_format(checkpoint, ["a"], "exact")
    with pytest.raises(ValueError, match=r"^words: 1 word \(word 1\) with letters outside '[a-z]*': '1' "):
        choose_format(checkpoint, ["a1"])
    wide = ModelConfig(n_embd=24, n_head=6)
    tensors = {name: np.zeros(shape, dtype=np.float32) for name, shape in wide.shapes().items()}
    with pytest.raises(ValueError, match=r"^n_embd must be a power of two in talos-v2, not 24$"):
        choose_format(Checkpoint(wide, tensors), ["a"], "talos-v2")
