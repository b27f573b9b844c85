"""Windows of a stream of words, and the mean over all of them."""

from __future__ import annotations

import numpy as np
import pytest

from talos_ref.model.config import MICROGPT, ModelConfig
from talos_ref.studies.ladder.stream import BATCH, mean_nll, random_windows, stream_of
from talos_ref.studies.ladder.tensor import Tensor

SMALL = ModelConfig(alphabet="abc", block_size=4)


def test_stream() -> None:
    assert stream_of(["ab", "c"], SMALL).tolist() == [3, 0, 1, 3, 2, 3]
    with pytest.raises(ValueError, match=r"^words must have more than 16 letters and ends in all; give more words$"):
        stream_of(["ab", "c"], MICROGPT)


def test_windows() -> None:
    stream = np.arange(9)
    starts = set()
    rng = np.random.default_rng(1)
    for _ in range(20):
        tokens, wanted = random_windows(stream, 4, rng)
        assert tokens.shape == wanted.shape == (BATCH, 4)
        assert (tokens == tokens[:, :1] + np.arange(4)).all()
        assert (wanted == tokens + 1).all()
        starts |= set(tokens[:, 0].tolist())
    assert starts == set(range(5)), "every window with a target for each token"


def test_mean_over_all_windows() -> None:
    rng = np.random.default_rng(2)
    stream = rng.integers(0, 4, 4 * 700 + 3)
    table = rng.normal(0, 1, (4, 4))
    found = mean_nll(lambda tokens: Tensor(table[tokens]), stream, 4)
    terms = np.log(np.exp(table).sum(axis=1))[stream[:2800]] - table[stream[:2800], stream[1:2801]]
    assert found == pytest.approx(terms.mean(), abs=1e-12)
