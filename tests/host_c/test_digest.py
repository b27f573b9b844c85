"""The digest of names in C: that of the golden model's steps."""

from __future__ import annotations

import random
from typing import Any

import pytest

from host_c import Model
from host_c.binding import digest as binding
from host_c.binding.digest import Digest, digest
from talos_ref.golden.batched import replay
from talos_ref.golden.digest import add_steps
from talos_ref.golden.xorshift32 import ZERO_STATE
from talos_ref.model.checkpoint import Checkpoint
from tests.helpers.streams import seed


def golden(checkpoint: Checkpoint, seeds: list[int], temperature: int, limit: int) -> Digest:
    states = [value or ZERO_STATE for value in seeds]
    found = replay(checkpoint, "folded", states, temperature, limit=limit)
    steps = [(seeds[i], p, t) for i, p, t in zip(found.seed_index, found.pos, found.token_out, strict=True)]
    letters = int((found.token_out != checkpoint.config.bos).sum())
    return Digest(add_steps(0, ((s, int(p), int(t)) for s, p, t in steps)), len(found), letters)


@pytest.mark.parametrize(("temperature", "limit"), [(0x80, 15), (0x400, 15), (0x80, 3), (0, 15), (0x100, 1)])
def test_digest(checkpoint: Checkpoint, temperature: int, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Several chunks, the last one not full.
    monkeypatch.setattr(binding, "_CHUNK", 170)
    first, count = random.Random(seed()).randrange(1, 1 << 32), 400
    seeds = [(first + index) % (1 << 32) for index in range(count)]
    model = Model(checkpoint, "folded")
    assert digest(model, first, count, temperature / 256, limit) == golden(checkpoint, seeds, temperature, limit)


def test_seeds_around_zero(checkpoint: Checkpoint) -> None:
    wanted = golden(checkpoint, [0xFFFFFFFE, 0xFFFFFFFF, 0, 1], 0x80, 15)
    assert digest(Model(checkpoint, "folded"), 0xFFFFFFFE, 4, 0.5) == wanted


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((-1, 1, 0.5), ValueError, r"^seed must be 0 to 4294967295, not -1$"),
        ((1, 0, 0.5), ValueError, r"^count must be 1 to 4294967296, not 0$"),
        ((1, 1, 0.5, 16), ValueError, r"^limit must be 1 to 15, not 16$"),
        ((1.0, 1, 0.5), TypeError, r"^seed must be an integer, not 1\.0$"),
        ((1, 1, 99.0), ValueError, r"temperature"),
    ],
)
def test_arguments(checkpoint: Checkpoint, arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        digest(Model(checkpoint, "folded"), *arguments)
