"""Results on disk: each once, none that is damaged, none of other inputs."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from cosim.campaign.shard import Outcome, Status
from cosim.campaign.store import Store, key_of
from tests.helpers.streams import seed

INPUTS: dict[str, Any] = {"shard": {"kind": "golden", "seed": 1}, "sources": "0"}
OTHER: dict[str, Any] = INPUTS | {"sources": "1"}
PASSED = Outcome(status=Status.PASSED, steps=7, values=70, seconds=0.5, figures={"digest": "00ff00ff"}, worker="here:1")


def test_an_outcome_is_kept_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.find(INPUTS) is None
    assert store.keep(INPUTS, PASSED) == PASSED
    later = Outcome(status=Status.PASSED, steps=8)
    assert store.keep(INPUTS, later) == PASSED
    assert store.find(INPUTS) == PASSED
    assert store.find(OTHER) is None
    assert len(list(tmp_path.glob("golden-*"))) == 1
    assert key_of(INPUTS) != key_of(OTHER)
    store.forget(INPUTS)
    assert store.find(INPUTS) is None


@pytest.mark.parametrize("status", [Status.DIFFERS, Status.FAILED])
def test_a_failure_is_not_kept(status: Status, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must have passed"):
        Store(tmp_path).keep(INPUTS, Outcome(status=status))
    assert not list(tmp_path.glob("golden-*"))


def test_a_damaged_result_is_not_believed(tmp_path: Path) -> None:
    store, draw = Store(tmp_path), random.Random(seed())
    store.keep(INPUTS, PASSED)
    [path] = tmp_path.glob("golden-*/result.json")
    whole = path.read_bytes()
    # A bit of the steps, one anywhere, the end cut off, and nothing at all.
    steps, anywhere = whole.index(b'"steps": 7') + 9, draw.randrange(len(whole))
    damaged = [flipped(whole, steps, 0), flipped(whole, anywhere, draw.randrange(7)), whole[:-20], b""]
    for data in damaged:
        path.parent.mkdir(exist_ok=True)
        store.keep(INPUTS, PASSED)
        path.write_bytes(data)
        assert store.find(INPUTS) is None, data
        assert not path.exists()
        assert store.keep(INPUTS, PASSED) == PASSED


def flipped(data: bytes, place: int, bit: int) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 1 << bit
    return bytes(changed)


def test_a_result_of_other_inputs_is_not_believed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.keep(INPUTS, PASSED)
    [path] = tmp_path.glob("golden-*/result.json")
    store.keep(OTHER, Outcome(status=Status.PASSED, steps=8))
    [other] = set(tmp_path.glob("golden-*/result.json")) - {path}
    shutil.copy(other, path)
    assert store.find(INPUTS) is None
    text = json.loads(other.read_text())
    text["outcome"]["status"] = "differs"
    other.write_text(json.dumps(text))
    assert store.find(OTHER) is None
