"""The first three steps: the published figures in full, and one table in three ways."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from talos_ref import studies
from talos_ref.baselines.published import LADDER as PUBLISHED
from talos_ref.model.config import MICROGPT, ModelConfig
from talos_ref.studies.ladder import autograd_bigram, counting_bigram, neural_bigram
from talos_ref.studies.ladder.study import LADDER, climb
from talos_ref.studies.ladder.trained import Trained

SMALL = ModelConfig(alphabet="ab")


def silent(done: int, loss: float) -> None:
    assert done > 0
    assert loss > 0


def test_counting_in_full(names: list[str]) -> None:
    trained = counting_bigram.train(names, MICROGPT, silent)
    assert f"{trained.nll:.4f}" == f"{PUBLISHED['counting bigram'][0]:.4f}" == "2.4546"
    assert trained.parameters == 729


def test_counting_by_hand() -> None:
    words = ["ab", "b", "aab"]
    pairs = Counter(pair for word in words for pair in zip(f".{word}", f"{word}.", strict=True))
    seen = Counter(first for first, _ in pairs.elements())
    trained = counting_bigram.train(words, SMALL, silent)
    expected = -sum(count * math.log((count + 1) / (seen[first] + 3)) for (first, _), count in pairs.items())
    assert trained.nll == pytest.approx(expected / sum(pairs.values()), abs=1e-12)
    after_a = np.exp(trained.next_logits([2, 0]))
    assert after_a == pytest.approx([(pairs["a", next] + 1) / (seen["a"] + 3) for next in "ab."], abs=1e-12)


@pytest.mark.parametrize("module", [neural_bigram, autograd_bigram])
def test_learning_in_full(names: list[str], module: object) -> None:
    losses: list[float] = []
    train = module.train  # type: ignore[attr-defined]
    trained: Trained = train(names, MICROGPT, lambda _, loss: losses.append(loss))
    assert f"{trained.nll:.4f}" == f"{PUBLISHED['neural bigram'][0]:.4f}" == "2.4617"
    assert (trained.parameters, len(losses)) == (729, 200)
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > 2.8


def tables(words: Sequence[str], steps: int) -> list[np.ndarray]:
    trained = (module.train(words, MICROGPT, silent, steps) for module in (neural_bigram, autograd_bigram))
    return [np.array([model.next_logits([token]) for token in range(27)]) for model in trained]


def test_autograd_finds_the_same_table(names: list[str]) -> None:
    by_hand, by_autograd = tables(names[:500], 20)
    assert np.abs(by_hand - by_autograd).max() < 1e-12
    assert np.abs(by_hand - tables(names[:500], 19)[0]).max() > 1e-3


def test_gradient_by_differences() -> None:
    counts = counting_bigram.bigram_counts(["ab", "b", "aab"], SMALL)
    table = neural_bigram.first_table(SMALL)

    def loss() -> float:
        return counting_bigram.mean_nll(counts, table - np.log(np.exp(table).sum(axis=1, keepdims=True)))

    found = neural_bigram.gradient(table, counts)
    for at in np.ndindex(3, 3):
        before, losses = table[at], []
        for step in (1e-5, -1e-5):
            table[at] = before + step
            losses.append(loss())
        table[at] = before
        assert found[at] == pytest.approx((losses[0] - losses[1]) / 2e-5, abs=1e-9)


def test_the_page(names: list[str]) -> None:
    page = (Path(studies.__file__).parent / "README.md").read_text(encoding="utf-8")
    lines = page.partition("$ python -m talos_ref ladder\n")[2].partition("```")[0].splitlines()
    for number, step in enumerate(LADDER[:3], 1):
        result = climb(step, names, MICROGPT, silent)
        assert lines[number].startswith(f"{f'{number}  {step.model}':29}{729:10,}{result['nll']:9.4f}")
        assert lines[number].endswith(f"  {', '.join(result['samples'])}")
