"""The trainer: gradients against finite differences, the published words, and the committed file byte for byte."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from talos_ref.cli import main
from talos_ref.model.checkpoint import DEFAULT_PATH, default_checkpoint, load, quantise, words_sha256
from talos_ref.model.config import MICROGPT, ModelConfig
from talos_ref.model.train import initialise, loss_and_gradients, train_words
from talos_ref.model.words import word_tokens

PUBLISHED_WORDS = "eca513c50f7bf0d241f82e640e5ea906b138577eb5c6ce249b6f9ab8427f9ee3"
"""SHA-256 of the Q4.12 words of TALOS-V2's weights, little-endian, in the order of the recipe."""

WORDS = ["abba", "cab", "b", "acca"]


@pytest.mark.parametrize("n_layer", [1, 2, 3])
def test_gradients_against_central_differences(n_layer: int) -> None:
    config = ModelConfig(alphabet="abcd", block_size=6, n_embd=6, n_head=2, mlp_dim=9, n_layer=n_layer)
    rng = np.random.default_rng(n_layer)
    parameters = {name: rng.normal(0, 0.5, shape) for name, shape in config.shapes().items()}
    tokens = [4, 0, 1, 0, 3, 4]
    _, gradients = loss_and_gradients(parameters, tokens, config)
    assert set(gradients) == set(config.shapes())
    step = 1e-5
    for name, values in parameters.items():
        numeric = np.zeros_like(values)
        for index in np.ndindex(values.shape):
            kept = values[index]
            values[index] = kept + step
            above, _ = loss_and_gradients(parameters, tokens, config)
            values[index] = kept - step
            below, _ = loss_and_gradients(parameters, tokens, config)
            values[index] = kept
            numeric[index] = (above - below) / (2 * step)
        np.testing.assert_allclose(gradients[name], numeric, rtol=1e-5, atol=1e-8, err_msg=name)


def test_loss_of_equal_logits_is_the_logarithm_of_the_vocabulary() -> None:
    parameters = {name: np.ones(shape) for name, shape in MICROGPT.shapes().items()}
    loss, _ = loss_and_gradients(parameters, [26, 0, 26], MICROGPT)
    assert loss == pytest.approx(np.log(27), abs=1e-12)


def test_published_checkpoint(names: list[str]) -> None:
    checkpoint = train_words(names, MICROGPT)
    words = quantise(checkpoint)
    assert words["wte"].ravel()[:4].tolist() == [534, 219, 991, -250]
    assert words_sha256(words, MICROGPT) == PUBLISHED_WORDS
    assert checkpoint == default_checkpoint()


def test_minerals_are_trained_again(tmp_path: Path) -> None:
    committed = DEFAULT_PATH.with_name("minerals.npz")
    words = DEFAULT_PATH.with_name("minerals.txt")
    again = tmp_path / "again.npz"
    assert main(["train", "--names", str(words), "--steps", "4000", "--out", str(again)]) == 0
    assert again.read_bytes() == committed.read_bytes()
    lines = words.read_text(encoding="ascii").splitlines()
    assert lines == sorted(set(lines))


def reference(words: list[str], config: ModelConfig, steps: int, seed: int) -> dict[str, np.ndarray[Any, Any]]:
    """Return the parameters after training tensor by tensor, as the recipe is written."""
    shuffled, parameters, _ = initialise(words, config, seed)
    first = {name: np.zeros_like(value) for name, value in parameters.items()}
    second = {name: np.zeros_like(value) for name, value in parameters.items()}
    for step in range(steps):
        tokens = word_tokens(shuffled[step % len(shuffled)], config)
        _, gradients = loss_and_gradients(parameters, tokens, config)
        for name, gradient in gradients.items():
            first[name] = 0.85 * first[name] + (1 - 0.85) * gradient
            second[name] = 0.99 * second[name] + (1 - 0.99) * gradient * gradient
            m, v = first[name] / (1 - 0.85 ** (step + 1)), second[name] / (1 - 0.99 ** (step + 1))
            parameters[name] = parameters[name] - 0.01 * (1 - step / steps) * m / (np.sqrt(v) + 1e-8)
    return parameters


def test_other_words_follow_the_recipe() -> None:
    words = ["żółw", "mors", "łoś", "ó-ó ó"]
    config = ModelConfig(alphabet="".join(sorted(set("".join(words)))), block_size=6, n_embd=8, n_head=2, n_layer=2)
    found = train_words(words, config, 25, 9)
    for name, value in reference(words, config, 25, 9).items():
        assert found.tensors[name].tobytes() == value.astype(np.float32).tobytes(), name


def test_cut_words_follow_the_recipe() -> None:
    config = ModelConfig(alphabet="ab", block_size=4, n_embd=4, n_head=1, mlp_dim=4)
    words = ["a" * 10, "abab", "ba"]
    found = train_words(words, config, 12, truncate=True)
    for name, value in reference(words, config, 12, 42).items():
        assert found.tensors[name].tobytes() == value.astype(np.float32).tobytes(), name
    # What is cut is not learnt, and never the end of a word that is cut.
    assert found == train_words(["aaaab", "ababa", "ba"], config, 12, truncate=True)


def test_initial_parameters_follow_the_recipe() -> None:
    rng = random.Random(42)
    expected = list(WORDS)
    rng.shuffle(expected)
    config = ModelConfig(alphabet="abc", block_size=8, n_embd=4, n_head=2, mlp_dim=8)
    shuffled, parameters, state = initialise(WORDS, config)
    assert shuffled == expected
    drawn = np.concatenate([parameters[name].ravel() for name in config.shapes()])
    assert drawn.tolist() == [rng.gauss(0, 0.08) for _ in range(len(drawn))]
    assert state.getstate() == rng.getstate()


def test_training_learns_and_is_deterministic() -> None:
    config = ModelConfig(alphabet="abc", block_size=8, n_embd=8, n_head=2, mlp_dim=16, n_layer=2)
    progress: list[tuple[int, float]] = []
    first = train_words(WORDS, config, 150, 7, lambda done, loss: progress.append((done, loss)))
    assert first == train_words(WORDS, config, 150, 7)
    assert [done for done, _ in progress] == list(range(1, 151))
    losses = [loss for _, loss in progress]
    assert np.mean(losses[-20:]) < 0.5 * np.mean(losses[:4])
    assert train_words(WORDS, config, 150, 8) != first


def test_a_word_as_long_as_the_block_allows_is_learnt_whole() -> None:
    config = ModelConfig(alphabet="ab", block_size=4, n_embd=4, n_head=1, mlp_dim=4)
    assert train_words(["aba"], config, 1).config == config
    message = r"^words: 1 word \(word 2\) of more than 3 letters, the longest 4 \(word 2, 'abab'\): block size 5 "
    with pytest.raises(ValueError, match=message):
        train_words(["aba", "abab"], config, 1)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (ValueError, {"steps": 0}, "^steps must be 1 to 10000000, not 0$"),
        (ValueError, {"steps": -5}, "^steps must be 1 to 10000000, not -5$"),
        (TypeError, {"steps": 1.5}, "^steps must be an integer, not 1.5$"),
        (TypeError, {"steps": True}, "^steps must be an integer, not True$"),
        (TypeError, {"seed": "42"}, "^seed must be an integer, not '42'$"),
    ],
)
def test_refused_options(kind: type[Exception], options: dict[str, Any], message: str) -> None:
    with pytest.raises(kind, match=message):
        train_words(["ab"], MICROGPT, **options)


def test_no_words() -> None:
    with pytest.raises(ValueError, match=r"^words: it must hold at least one word, one a line$"):
        train_words([], MICROGPT)


def test_letter_beyond_the_alphabet() -> None:
    message = r"^words: 1 word \(word 2\) with letters outside 'abc': 'd' \(U\+0064 LATIN SMALL LETTER D\); leave"
    with pytest.raises(ValueError, match=message):
        train_words(["a", "bad"], ModelConfig(alphabet="abc"))


def test_committed_file() -> None:
    assert (
        hashlib.sha256(DEFAULT_PATH.read_bytes()).hexdigest()
        == "f82bf5c22ff3655ef6fef8b094068400ff16232759e821c0c3955bdf8f2b2068"
    )
    checkpoint = load(DEFAULT_PATH, MICROGPT)
    assert words_sha256(quantise(checkpoint), MICROGPT) == PUBLISHED_WORDS
