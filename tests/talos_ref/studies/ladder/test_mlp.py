"""The MLP: its contexts, its size, and its loss in plain Python."""

from __future__ import annotations

import math

import numpy as np
import pytest

from talos_ref.model.config import MICROGPT
from talos_ref.studies.ladder import mlp
from talos_ref.studies.ladder.functions import cross_entropy


def test_contexts() -> None:
    before, wanted = mlp.contexts(["ab", "c"], MICROGPT)
    assert before.tolist() == [[26, 26, 26], [26, 26, 0], [26, 0, 1], [26, 26, 26], [26, 26, 2]]
    assert wanted.tolist() == [0, 1, 26, 2, 26]


def test_loss_and_gradient() -> None:
    p = mlp.first_parameters(MICROGPT, np.random.default_rng(3))
    before, wanted = mlp.contexts(["emma"], MICROGPT)
    loss = cross_entropy(mlp.forward(p, before), wanted)
    total = 0.0
    for context, target in zip(before.tolist(), wanted.tolist(), strict=True):
        x = [value for token in context for value in p["embedding"].value[token].tolist()]
        hidden = [math.tanh(sum(w * a for w, a in zip(row, x, strict=True))) for row in p["hidden"].value.tolist()]
        logits = [sum(w * a for w, a in zip(row, hidden, strict=True)) for row in p["out"].value.tolist()]
        total += math.log(math.fsum(map(math.exp, logits))) - logits[target]
    assert float(loss.value) == pytest.approx(total / 5, abs=1e-12)
    loss.backward()
    for name, at in [("embedding", (4, 2)), ("hidden", (7, 29)), ("hidden bias", (3,)), ("out", (0, 63))]:
        losses = []
        for step in (1e-5, -1e-5):
            p[name].value[at] += step
            losses.append(float(cross_entropy(mlp.forward(p, before), wanted).value))
            p[name].value[at] -= step
        assert p[name].gradient[at] == pytest.approx((losses[0] - losses[1]) / 2e-5, abs=1e-8)


def test_a_short_training(names: list[str]) -> None:
    losses: list[float] = []
    trained = mlp.train(names[:2000], MICROGPT, lambda _, loss: losses.append(loss), 600)
    assert trained.parameters == 4009
    assert losses[0] == pytest.approx(math.log(27), abs=0.02)
    assert trained.nll == pytest.approx(2.3403, abs=2e-4)
    # A name begins with no letter before it, and is predicted by the last three.
    total = 0.0
    for word in names[:40]:
        tokens = [26, *MICROGPT.encode(word), 26]
        for end in range(1, len(tokens)):
            logits = np.asarray(trained.next_logits(tokens[:end]))
            total += math.log(np.exp(logits).sum()) - logits[tokens[end]]
    count = sum(len(word) + 1 for word in names[:40])
    assert total / count == pytest.approx(trained.nll, abs=0.15)
