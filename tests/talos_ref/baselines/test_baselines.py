"""The comparison loops write the names of the float model: the same model, however it is computed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from talos_ref.baselines import numpy_fp32, numpy_fp32_batched, pure_python
from talos_ref.golden.float_model import FloatModel
from talos_ref.golden.xorshift32 import xorshift32
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig

GENERATORS = {
    "pure Python": pure_python.generate,
    "NumPy fp32": numpy_fp32.generate,
    "NumPy fp32 batched": numpy_fp32_batched.generate,
}


def reference(checkpoint: Checkpoint, seed: int, temperature: float, count: int) -> list[list[int]]:
    model, config = FloatModel(checkpoint), checkpoint.config
    names = []
    for rng in range(seed, seed + count):
        cache, token, name = model.new_cache(), config.bos, list[int]()
        while len(name) < config.max_letters:
            rng = xorshift32(rng)
            token = model.draw(model.logits(token, len(name), cache), temperature, rng)
            if token == config.bos:
                break
            name.append(token)
        names.append(name)
    return names


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize(("which", "temperature"), [("checkpoint", 0.5), ("checkpoint", 2.0), ("small_checkpoint", 1)])
def test_names_of_the_float_model(name: str, which: str, temperature: float, request: pytest.FixtureRequest) -> None:
    checkpoint = request.getfixturevalue(which)
    found = GENERATORS[name](checkpoint, 1, temperature, 150)
    for index, expected in enumerate(reference(checkpoint, 1, temperature, 150)):
        assert found[index] == expected, f"seed {index + 1}"
    assert len(found) == 150


def state_before(state: int) -> int:
    """Return the xorshift32 state that ``state`` follows."""
    for shift in (-5, 17, -13):
        found = state
        for _ in range(32):
            found = state ^ (found >> shift if shift > 0 else found << -shift & 0xFFFFFFFF)
        state = found
    return state


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize(("low_bits", "expected"), [(0x3FFFFF, 0), (0x400000, 1), (0x7FFFFF, 1), (0x800000, 2)])
def test_a_threshold_reached_is_not_exceeded(name: str, low_bits: int, expected: int) -> None:
    config = ModelConfig(alphabet="abc", block_size=2, n_embd=2, n_head=1, mlp_dim=1)
    even = Checkpoint(config, {tensor: np.zeros(shape, np.float32) for tensor, shape in config.shapes().items()})
    seed = state_before(0xAB000000 | low_bits)
    assert xorshift32(seed) == 0xAB000000 | low_bits
    assert GENERATORS[name](even, seed, 0.5, 1) == [[expected]], "four tokens of a quarter each"


def test_batches_join(checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = numpy_fp32_batched.generate(checkpoint, 7, 0.5, 50)
    monkeypatch.setattr(numpy_fp32_batched, "STREAMS", 16)
    assert numpy_fp32_batched.generate(checkpoint, 7, 0.5, 50) == whole


def test_last_seed(checkpoint: Checkpoint) -> None:
    last = 0xFFFFFFFF
    assert len({tuple(map(tuple, generate(checkpoint, last, 0.5, 1))) for generate in GENERATORS.values()}) == 1


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        (ValueError, {"seed": 0}, "^seed must be 1 to 4294967295 .*, not 0$"),
        (ValueError, {"seed": 1 << 32}, "^seed must be 1 to 4294967295 .*, not 4294967296$"),
        (ValueError, {"seed": 0xFFFFFFFF, "count": 2}, "^seed must be 1 to 4294967295 .*, not 4294967296$"),
        (TypeError, {"seed": 1.0}, "^seed must be an integer, not 1.0$"),
        (ValueError, {"count": 0}, "^count must be 1 or more, not 0$"),
        (ValueError, {"count": -3}, "^count must be 1 or more, not -3$"),
        (TypeError, {"count": 2.0}, "^count must be an integer, not 2.0$"),
        (ValueError, {"temperature": 0}, "^temperature must be 1/256 to 256, not 0$"),
        (ValueError, {"temperature": -1.0}, "^temperature must be 1/256 to 256, not -1.0$"),
        (ValueError, {"temperature": float("nan")}, "^temperature must be 1/256 to 256, not nan$"),
        (ValueError, {"temperature": float("inf")}, "^temperature must be 1/256 to 256, not inf$"),
        (TypeError, {"temperature": "warm"}, "^temperature must be a number, not 'warm'$"),
    ],
)
def test_refused(
    name: str, kind: type[Exception], change: dict[str, Any], message: str, checkpoint: Checkpoint
) -> None:
    arguments = {"seed": 1, "temperature": 0.5, "count": 1} | change
    with pytest.raises(kind, match=message):
        GENERATORS[name](checkpoint, **arguments)
