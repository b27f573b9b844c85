"""The golden model: its formula restated for talos-v2, the fold of precise, and every bit of precise pinned."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import replace

import numpy as np
import pytest

from talos_ref.golden.arithmetic import ARITHMETICS, arithmetic, precise, talos_v2
from talos_ref.golden.batched import replay
from talos_ref.golden.exp import EXP_TABLE
from talos_ref.golden.float_model import FloatModel
from talos_ref.golden.format import Q4_12, Q5_12, Q6_12, Format
from talos_ref.golden.generate import Step, steps
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.model.checkpoint import Checkpoint, quantise
from talos_ref.model.config import MICROGPT

# SHA-256 of the steps of seeds 1 to 300 of the committed checkpoint, a JSON array a line (pos, token_in, token_out,
# argmax, rng, top_logit, logits). Whoever changes a bit changes the arithmetic: golden/arithmetic.md, the circuits and
# these digests change together.
DIGESTS = {
    ("precise", 0x80): "d17aa4b37aa0ac7a2ad289f26e680e52e8e5195623036ed670a9802598554643",
    ("precise", 0x100): "ff5641166fc550b5f38048877f3436fc8c597c8724cbdf01dba137d6020d087b",
    ("precise", 0x155): "3bf34bdd5ba2930ebebec620c5361955bfce1b5e1896e4ccfea229869821948a",
    ("talos-v2", 0x80): "f436b8d4eae4542371bbc51270b3d57de2137c03b2d8bb46ba25096f04f7720f",
    ("talos-v2", 0x100): "2494a63716afec86654c24de2041d13ffdd7587e2e1b6de3a9f807d93553e88f",
}


def digest(trace: list[Step]) -> str:
    rows = [list(step.to_json().values()) for step in trace]
    return hashlib.sha256("".join(json.dumps(row) + "\n" for row in rows).encode()).hexdigest()


@pytest.mark.parametrize(("name", "temperature"), DIGESTS)
def test_every_bit_is_pinned(checkpoint: Checkpoint, name: str, temperature: int) -> None:
    batch = replay(checkpoint, name, range(1, 301), temperature)
    assert digest([batch.step(row) for row in range(len(batch))]) == DIGESTS[name, temperature]


def test_a_flipped_bit_of_any_tensor_is_noticed(checkpoint: Checkpoint) -> None:
    """One unit in the last place of the word that matters least to the eye: the digest sees it."""
    for name in MICROGPT.shapes():
        tensors = {key: value.copy() for key, value in checkpoint.tensors.items()}
        # Position 0 and BOS are part of every trace.
        row = 26 if name == "wte" else 0
        tensors[name][row, 3] += 2.0**-12
        batch = replay(Checkpoint(MICROGPT, tensors), "precise", range(1, 301), 0x80)
        assert digest([batch.step(row) for row in range(len(batch))]) != DIGESTS["precise", 0x80], name


def published_logits(words: dict[str, list[list[int]]], tokens: list[int]) -> list[list[int]]:
    """talos-v2 in one piece, as the description of the published machine has it."""

    def sat(v: int) -> int:
        return min(max(v, -32768), 32767)

    def norm(x: list[int]) -> list[int]:
        d = math.isqrt(((sum((v * v) >> 12 for v in x) >> 4) + 1) << 12)
        scale = 32767 if d <= 512 else min(32767, (1 << 24) // d)
        return [sat((v * scale) >> 12) for v in x]

    def linear(name: str, x: list[int]) -> list[int]:
        return [sat(sum(w * v for w, v in zip(row, x, strict=True)) >> 12) for row in words[name]]

    keys: list[list[int]] = []
    values: list[list[int]] = []
    result = []
    for pos, token in enumerate(tokens):
        x = norm([sat(a + b) for a, b in zip(words["wte"][token], words["wpe"][pos], strict=True)])
        n = norm(x)
        q = linear("layer0.wq", n)
        keys.append(linear("layer0.wk", n))
        values.append(linear("layer0.wv", n))
        out = []
        for head in range(0, 16, 4):
            lanes = range(head, head + 4)
            scores = [sat((sum(q[i] * key[i] for i in lanes) >> 12) >> 1) for key in keys]
            weights = [EXP_TABLE[min((max(scores) - s + 511) >> 10, 31)] for s in scores]
            for i in lanes:
                total = sum(w * value[i] for w, value in zip(weights, values, strict=True))
                out.append(sat(abs(total) // sum(weights) * (1 if total >= 0 else -1)))
        x = [sat(a + b) for a, b in zip(x, linear("layer0.wo", out), strict=True)]
        hidden = [max(v, 0) for v in linear("layer0.fc1", norm(x))]
        x = [sat(a + b) for a, b in zip(x, linear("layer0.fc2", hidden), strict=True)]
        result.append(linear("lm_head", x))
    return result


def test_talos_v2_in_one_piece(checkpoint: Checkpoint) -> None:
    words = {name: tensor.tolist() for name, tensor in quantise(checkpoint).items()}
    model = IntegerModel(checkpoint, talos_v2(MICROGPT))
    rng = np.random.default_rng(9)
    for _ in range(20):
        tokens = rng.integers(0, 27, 16).tolist()
        actual = [list(step.logits) for step in steps(model, seed=1, temperature=128, forced=tokens)]
        assert actual == published_logits(words, tokens)


@pytest.mark.parametrize("name", ARITHMETICS)
def test_logits_are_near_the_float_model(checkpoint: Checkpoint, name: str) -> None:
    model, exact = IntegerModel(checkpoint, arithmetic(name, MICROGPT)), FloatModel(checkpoint)
    tokens = [26, 12, 0, 17, 8, 0, 13, 13, 4]
    cache, float_cache = model.new_cache(), exact.new_cache()
    worst, low = 0.0, model.arithmetic.logit.to_float(model.arithmetic.logit.low)
    for position, token in enumerate(tokens):
        fixed = model.logits(token, position, cache)
        real = exact.logits(token, position, float_cache)
        worst = max(worst, *(abs(a / 4096 - max(b, low)) for a, b in zip(fixed, real, strict=True)))
    assert worst < {"folded": 0.01, "precise": 0.01, "talos-v2": 0.05}[name]


def test_fold(checkpoint: Checkpoint) -> None:
    model = IntegerModel(checkpoint, precise(MICROGPT))
    words = {name: tensor.astype(np.int64) for name, tensor in quantise(checkpoint).items()}
    product = words["lm_head"] @ words["layer0.fc2"]
    assert (np.array(model.tensors["folded"]) == (product + 2048) >> 12).all()
    assert "folded" not in IntegerModel(checkpoint, talos_v2(MICROGPT)).tensors
    # 1.36 in the description.
    assert f"{np.abs(np.array(model.tensors['folded'])).max() / 4096:.2f}" == "1.36"


@pytest.mark.parametrize(("word", "entry"), [(Q4_12, 32767), (Q5_12, 65535), (Q6_12, 18 << 12)])
def test_fold_saturates(word: Format, entry: int) -> None:
    """An entry of 18 is too large for the two narrower words."""
    tensors = {name: np.zeros(shape, dtype=np.float32) for name, shape in MICROGPT.shapes().items()}
    tensors["lm_head"][3], tensors["layer0.fc2"][:2, 5] = 3, 3
    folded = IntegerModel(Checkpoint(MICROGPT, tensors), precise(MICROGPT, word)).tensors["folded"]
    assert folded[3][5] == entry
    assert sum(map(sum, folded)) == entry


def test_two_layers_of_precise_fold_only_the_last(small_checkpoint: Checkpoint) -> None:
    # Halved, so that no activation leaves Q4.12.
    halved = Checkpoint(small_checkpoint.config, {k: v / np.float32(2) for k, v in small_checkpoint.tensors.items()})
    model, exact = IntegerModel(halved, precise(halved.config)), FloatModel(halved)
    assert np.array(model.tensors["folded"]).shape == (6, 20)
    cache, float_cache = model.new_cache(), exact.new_cache()
    for position, token in enumerate((5, 0, 3, 2)):
        fixed = model.logits(token, position, cache)
        real = exact.logits(token, position, float_cache)
        assert max(abs(a / 4096 - b) for a, b in zip(fixed, real, strict=True)) < 0.003


@pytest.mark.parametrize("name", ARITHMETICS)
def test_refusals(checkpoint: Checkpoint, name: str) -> None:
    model = IntegerModel(checkpoint, arithmetic(name, MICROGPT))
    cache = model.new_cache()
    with pytest.raises(ValueError, match=r"^token must be 0 to 26, not 27$"):
        model.logits(27, 0, cache)
    with pytest.raises(ValueError, match=r"^position must be 0 to 15, not 16$"):
        model.logits(0, 16, cache)
    with pytest.raises(ValueError, match=r"^position must be 0, the cache's next, not 1$"):
        model.logits(0, 1, cache)
    assert len(cache) == 0


def test_unknown_arithmetic() -> None:
    with pytest.raises(ValueError, match=r"^arithmetic must be one of folded, precise, talos-v2, not 'exact'$"):
        arithmetic("exact", MICROGPT)


def test_a_cache_can_go_back(checkpoint: Checkpoint) -> None:
    model = IntegerModel(checkpoint, precise(MICROGPT))
    cache = model.new_cache()
    first = [model.logits(token, position, cache) for position, token in enumerate((26, 4, 11))]
    cache.truncate(1)
    assert [model.logits(token, 1 + i, cache) for i, token in enumerate((4, 11))] == first[1:]


def test_arithmetics_are_values() -> None:
    assert precise(MICROGPT) == precise(MICROGPT)
    assert talos_v2(MICROGPT) != precise(MICROGPT)
    assert replace(precise(MICROGPT), name="other") != precise(MICROGPT)
    assert precise(MICROGPT).deferred
    assert not talos_v2(MICROGPT).deferred
