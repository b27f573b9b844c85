"""The trainer: gradients against finite differences, the published words, and the committed file byte for byte."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import numpy as np
import pytest

from talos_ref.model import train as train_module
from talos_ref.model.checkpoint import DEFAULT_PATH, load, quantise, words_sha256
from talos_ref.model.config import MICROGPT, ModelConfig
from talos_ref.model.train import initialise, loss_and_gradients, train, train_file

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


def test_published_checkpoint(names: list[str], tmp_path: Path) -> None:
    names_file = tmp_path / "names.txt"
    names_file.write_text("\n".join(names) + "\n", encoding="utf-8")
    checkpoint = train_file(names_file, tmp_path / "again.npz")
    words = quantise(checkpoint)
    assert checkpoint.config == MICROGPT
    assert words["wte"].ravel()[:4].tolist() == [534, 219, 991, -250]
    assert words_sha256(words, MICROGPT) == PUBLISHED_WORDS
    assert (tmp_path / "again.npz").read_bytes() == DEFAULT_PATH.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again.npz", "names.txt"]


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
    notes: list[tuple[int, str]] = []
    first = train(WORDS, config, steps=150, seed=7, report=lambda done, note: notes.append((done, note)))
    again = train(WORDS, config, steps=150, seed=7)
    for name in config.shapes():
        assert first.tensors[name].tobytes() == again.tensors[name].tobytes(), name
    assert [done for done, _ in notes] == list(range(1, 151))
    losses = [float(note.removeprefix("loss ")) for _, note in notes]
    assert np.mean(losses[-20:]) < 0.5 * np.mean(losses[:4])
    assert train(WORDS, config, steps=150, seed=8).tensors["wte"].tobytes() != first.tensors["wte"].tobytes()


def test_a_word_as_long_as_the_block_allows_is_learnt_whole() -> None:
    config = ModelConfig(alphabet="ab", block_size=4, n_embd=4, n_head=1, mlp_dim=4)
    assert train(["aba"], config, steps=1).config == config
    message = r"^word 2 must have 1 to 3 letters, not 4 \('abab'\); leave it out, or use a block_size of at least 5$"
    with pytest.raises(ValueError, match=message):
        train(["aba", "abab"], config, steps=1)


def test_train_file_takes_alphabet_and_dimensions(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("żółw\n\n  mors \n", encoding="utf-8")
    out = tmp_path / "out.npz"
    checkpoint = train_file(words, out, steps=3, n_embd=8, n_head=2, mlp_dim=5, n_layer=2, block_size=6)
    assert checkpoint.config == ModelConfig(
        alphabet="morswółż", n_embd=8, n_head=2, mlp_dim=5, n_layer=2, block_size=6
    )
    assert load(out).config == checkpoint.config


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (ValueError, {"steps": 0}, "^steps must be 1 to 10000000, not 0$"),
        (ValueError, {"steps": -5}, "^steps must be 1 to 10000000, not -5$"),
        (TypeError, {"steps": 1.5}, "^steps must be an integer, not 1.5$"),
        (TypeError, {"steps": True}, "^steps must be an integer, not True$"),
        (TypeError, {"seed": "42"}, "^seed must be an integer, not '42'$"),
        (ValueError, {"n_head": 3}, r"^n_embd must be a multiple of n_head \(3\), not 16$"),
    ],
)
def test_refused_options(kind: type[Exception], options: dict[str, int], message: str, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("ab\n")
    with pytest.raises(kind, match=message):
        train_file(words, tmp_path / "out.npz", **options)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["words.txt"]


def test_no_words() -> None:
    with pytest.raises(ValueError, match=r"^words must hold at least one word$"):
        train([], MICROGPT)


def test_letter_beyond_the_alphabet() -> None:
    with pytest.raises(ValueError, match=r"^word 2 must use letters of 'abc' only, not 'd' \('bad'\)$"):
        train(["a", "bad"], ModelConfig(alphabet="abc"))


def test_output_is_checked_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = tmp_path / "words.txt"
    words.write_text("ab\n")
    monkeypatch.setattr(train_module, "train", lambda *a, **k: pytest.fail("it was trained"))
    with pytest.raises(FileNotFoundError, match=r"^cannot write .*/missing/out\.npz: No such file or directory; give"):
        train_file(words, tmp_path / "missing" / "out.npz")
    with pytest.raises(IsADirectoryError, match=r"^cannot write .*: it is a folder; give the name of a file$"):
        train_file(words, tmp_path)
    with pytest.raises(NotADirectoryError, match=r"^cannot write .*/words\.txt/out\.npz: Not a directory; give a"):
        train_file(words, words / "out.npz")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["words.txt"]


def test_progress_bar_on_a_terminal_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = tmp_path / "words.txt"
    words.write_text("ab\n")
    for variable in ("FORCE_COLOR", "TTY_COMPATIBLE", "NO_COLOR"):
        monkeypatch.delenv(variable, raising=False)
    train_file(words, tmp_path / "out.npz", steps=2)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    train_file(words, tmp_path / "out.npz", steps=2)
    out, err = capsys.readouterr()
    assert out == ""
    assert "train" in err
    assert "2/2" in err


def test_committed_file() -> None:
    assert (
        hashlib.sha256(DEFAULT_PATH.read_bytes()).hexdigest()
        == "f82bf5c22ff3655ef6fef8b094068400ff16232759e821c0c3955bdf8f2b2068"
    )
    checkpoint = load(DEFAULT_PATH, MICROGPT)
    assert words_sha256(quantise(checkpoint), MICROGPT) == PUBLISHED_WORDS
