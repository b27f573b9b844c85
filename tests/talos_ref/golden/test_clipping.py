"""What clips: counts of planted weights, constants and activations, and padding that is none of them."""

from __future__ import annotations

import numpy as np
import pytest

from talos_ref.golden.arithmetic import arithmetic, precise, talos_v2
from talos_ref.golden.batched import batched_logits
from talos_ref.golden.clipping import ClipCounter, Clipped, clipped_constants, clipped_weights, counted_logits
from talos_ref.golden.format import FORMATS, Q4_12, Q5_12, Q6_12, Format
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig

CONFIG = ModelConfig(alphabet="abc", block_size=5, n_embd=4, n_head=2, mlp_dim=3)
BOS = CONFIG.bos


def planted(**weights: dict[tuple[int, int], float]) -> Checkpoint:
    """Small weights everywhere but where others are planted: tensor -> (row, column) -> weight."""
    rng = np.random.default_rng(2)
    tensors = {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in CONFIG.shapes().items()}
    for name, entries in weights.items():
        for place, value in entries.items():
            tensors[name if name in tensors else f"layer0.{name}"][place] = value
    return Checkpoint(CONFIG, tensors)


def counts(checkpoint: Checkpoint, word: Format, tokens: list[list[int]]) -> dict[str, Clipped]:
    counter = ClipCounter()
    counted_logits(IntegerModel(checkpoint, precise(CONFIG, word)), np.array(tokens), counter)
    return counter.clipped


def test_planted_weights_are_counted() -> None:
    checkpoint = planted(wte={(0, 1): 9.5, (2, 3): -12.25}, fc1={(1, 1): 20.0})
    assert clipped_weights(checkpoint, Q4_12) == {
        "wte": Clipped(count=2, values=16, largest=12.25),
        "layer0.fc1": Clipped(count=1, values=12, largest=20.0),
    }
    assert clipped_weights(checkpoint, Q5_12) == {"layer0.fc1": Clipped(count=1, values=12, largest=20.0)}
    assert clipped_weights(checkpoint, Q6_12) == {}


@pytest.mark.parametrize("word", FORMATS, ids=str)
def test_ends_of_the_range_are_not_clipped(word: Format) -> None:
    low, high = word.to_float(word.low), word.to_float(word.high)
    assert clipped_weights(planted(wq={(0, 0): low, (1, 1): high, (2, 2): high + 2.0**-14}), word) == {}
    beyond = clipped_weights(planted(wq={(0, 0): low - 2.0**-12, (1, 1): -low}), word)
    assert {name: found.count for name, found in beyond.items()} == {"layer0.wq": 2}


def test_planted_constants_are_counted() -> None:
    checkpoint = planted(lm_head={(1, 0): 7.0}, fc2={(0, 2): 5.0, (0, 1): -2.0})
    at_q4, at_q5 = (clipped_constants(checkpoint, precise(CONFIG, word)) for word in (Q4_12, Q5_12))
    assert {name: (found.count, found.values) for name, found in at_q4.items()} == {"folded": (2, 12)}
    assert {name: found.count for name, found in at_q5.items()} == {"folded": 1}
    assert at_q4["folded"].largest == pytest.approx(35, abs=1)
    assert clipped_constants(planted(), precise(CONFIG)) == {}
    four = ModelConfig(alphabet="abc", block_size=5, n_embd=4, n_head=1, mlp_dim=3)
    assert clipped_constants(Checkpoint(four, checkpoint.tensors), talos_v2(four)) == {}


def test_planted_activations_are_counted() -> None:
    # Token 0 at position 1 has one lane of 6 + 5, which Q4.12 clips wherever it is met.
    checkpoint = planted(wte={(0, 2): 6.0}, wpe={(1, 2): 5.0})
    tokens = [[BOS, 0, 1], [BOS, 0, 0], [BOS, 1, 0]]
    found = counts(checkpoint, Q4_12, tokens)
    assert found["embed"] == Clipped(count=2, values=9 * 4, largest=11.0)
    assert "embed" not in counts(checkpoint, Q5_12, tokens)
    assert "logits" in counts(planted(lm_head={(0, 0): 7.9, (0, 1): -7.9}), Q4_12, tokens)
    assert counts(planted(), Q4_12, tokens) == {}


def test_a_large_embedding_is_lost_without_a_warning_elsewhere() -> None:
    """Scales of 16 and more saturate in every format: nothing but the count says so."""
    checkpoint = planted()
    tensors = {name: tensor / np.float32(64 if name in ("wte", "wpe") else 1) for name, tensor in
               checkpoint.tensors.items()}  # fmt: skip
    for word in FORMATS:
        assert "scale" in counts(Checkpoint(CONFIG, tensors), word, [[BOS, 0]])


def test_padding_is_not_counted() -> None:
    checkpoint = planted(wte={(BOS, 0): 6.0}, wpe={(2, 0): 5.0})
    assert counts(checkpoint, Q4_12, [[BOS, 0, BOS], [BOS, 1, BOS]]) == {}
    assert counts(checkpoint, Q4_12, [[BOS, 0, 1]]) == {}


@pytest.mark.parametrize("name", ["talos-v2", "precise"])
def test_counting_changes_no_bit(name: str) -> None:
    checkpoint = planted(wte={(0, 2): 6.0}, wpe={(1, 2): 5.0}, lm_head={(0, 0): 7.9})
    config = ModelConfig(alphabet="abc", block_size=5, n_embd=4, n_head=1, mlp_dim=3)
    model = IntegerModel(Checkpoint(config, checkpoint.tensors), arithmetic(name, config))
    tokens = np.array([[BOS, 0, 1, 2, 0], [BOS, 0, 0, BOS, BOS], [BOS, BOS, BOS, BOS, BOS]])
    counted = counted_logits(model, tokens, ClipCounter())
    expected = batched_logits(model, tokens)
    used = (np.cumsum(tokens == BOS, axis=1) == 1)
    assert (counted[used] == expected[used]).all()
    assert (counted[~used] == 0).all()


def test_every_unit_is_named_once_a_layer() -> None:
    config = ModelConfig(alphabet="abc", block_size=5, n_embd=4, n_head=1, mlp_dim=3, n_layer=2)
    rng = np.random.default_rng(3)
    shapes = config.shapes().items()
    checkpoint = Checkpoint(config, {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes})
    tokens = np.array([[BOS, 0, 1]])
    for spec, of_layer in (
        (precise(config), ["scale", "norm", "k", "v", "q before scale", "q", "attention", "projection", "residual",
                           "hidden"]),
        (talos_v2(config), ["scale", "norm", "k", "v", "q", "score", "attention", "projection", "residual", "hidden",
                            "mlp"]),
    ):  # fmt: skip
        counter = ClipCounter()
        counted_logits(IntegerModel(checkpoint, spec), tokens, counter)
        names = list(counter.units)
        assert names[:3] == ["embed", "scale", "norm"]
        assert [name.removeprefix("layer1.") for name in names if name.startswith("layer1.")] == of_layer
        assert names[-1] == "logits"
        assert {found.values for unit, found in counter.units.items() if unit.endswith("hidden")} == {3 * 3}
