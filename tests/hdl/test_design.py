"""The design: one value with a digest, which files keep."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hdl.core.config import CORES
from hdl.design import CHECKPOINT_FILE, Design, make_design
from talos_ref.golden.format import Q5_12
from talos_ref.model.checkpoint import Checkpoint, save
from talos_ref.model.config import ModelConfig
from tests.helpers.core_bench import random_checkpoint
from tests.helpers.designs import design_of, published

SMALL = ModelConfig(alphabet="añ한", block_size=4, n_embd=8, n_head=2, mlp_dim=8)


def small() -> Design:
    return make_design("wide", random_checkpoint(SMALL, 3))


def test_a_named_core_is_bound_to_the_checkpoint() -> None:
    design = small()
    assert design.model == design.core.model == SMALL
    assert design.name == "wide"
    assert design.arithmetic == design.core.arithmetic


def test_the_digest_follows_every_part() -> None:
    design = small()
    tensors = {name: tensor.copy() for name, tensor in design.checkpoint.tensors.items()}
    tensors["lm_head"][2, 1] += 1e-3
    others = [
        make_design("wide", design.checkpoint, word=Q5_12),
        replace(design, clock_hz=50_000_000),
        replace(design, core=replace(design.core, sampler_lanes=2)),
        replace(design, checkpoint=Checkpoint(SMALL, tensors)),
        replace(design, hidden_order=design.hidden_order[::-1]),
    ]
    assert len({design.digest(), *(other.digest() for other in others)}) == 6
    assert small() == design
    assert small().digest() == design.digest()
    assert design not in others


def test_files_keep_it(tmp_path: Path) -> None:
    for design in (small(), published("fused"), published("tile16")):
        path = design.save(tmp_path / design.name)
        again = Design.load(path)
        assert again == design
        assert again.to_json() == design.to_json() == json.loads(path.read_text())
        assert again.core == design.core


def _change(name: str, value: Any) -> Any:
    def change(path: Path) -> None:
        fields = json.loads(path.read_text())
        path.write_text(json.dumps(fields | {name: value}))

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: path.write_text("[]"), "its kind must be 'talos-design'"),
        (lambda path: path.write_text("{"), "Expecting property name enclosed in double quotes: .*"),
        (_change("version", 7), "its version must be 1, not 7"),
        (_change("format", "Q9.9"), "format must be one of Q4.12, Q5.12, Q6.12, not 'Q9.9'"),
        (_change("clock_hz", 0), "clock_hz must be 1 to 1000000000, not 0"),
        (_change("hidden_order", [0, 0]), "hidden_order must hold 0 to 7 once each"),
        (_change("core", {"name": "x"}), ".*missing 3 required keyword-only arguments.*"),
    ],
)
def test_damaged_files_are_refused(tmp_path: Path, change: Any, message: str) -> None:
    path = small().save(tmp_path)
    change(path)
    with pytest.raises(ValueError, match=rf"^{re.escape(str(path))} is not a usable design: {message}$"):
        Design.load(path)


def test_another_checkpoint_beside_it_is_refused(tmp_path: Path) -> None:
    path = small().save(tmp_path)
    save(random_checkpoint(SMALL, 4), tmp_path / CHECKPOINT_FILE)
    with pytest.raises(ValueError, match=r"checkpoint.npz beside it must be the one that it was made with$"):
        Design.load(path)


def test_refusals() -> None:
    checkpoint = random_checkpoint(SMALL, 3)
    with pytest.raises(ValueError, match=r"^checkpoint must be of the model "):
        design_of(CORES["tile16"], checkpoint)
    with pytest.raises(ValueError, match=r"^word must be left out where core is a CoreConfig, which has one$"):
        make_design(CORES["tile16"], checkpoint, word=Q5_12)
    with pytest.raises(TypeError, match=r"^clock_hz must be an integer, not 1.5$"):
        make_design("wide", checkpoint, clock_hz=1.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^checkpoint must be a Checkpoint, not 1$"):
        replace(small(), checkpoint=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^core must be a CoreConfig, not 1$"):
        replace(small(), core=1)  # type: ignore[arg-type]


def test_the_checkpoint_digest_follows_weights_and_alphabet() -> None:
    first = random_checkpoint(SMALL, 3)
    tensors = dict(first.tensors)
    other = Checkpoint(replace(SMALL, alphabet="añ힣"), tensors)
    assert first.digest == Checkpoint(SMALL, tensors).digest != other.digest
    tensors["wte"] = np.nextafter(first.tensors["wte"], np.float32(1))
    assert Checkpoint(SMALL, tensors).digest != first.digest
