"""Each stage from words to a verified core, with a model that takes no time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim.names.c_form import make_c_form
from cosim.names.cores import check_cores, choose_cores
from cosim.names.draw import draw
from cosim.names.order import Order
from cosim.names.quality import measure
from cosim.names.quartus import make_project
from cosim.names.train import read_list, train
from hdl.design import Design, make_design
from host_c import Model
from talos_ref.golden.format import Q4_12, Q5_12
from talos_ref.golden.generate import letters
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig
from talos_ref.model.word_report import WordListError
from tests.helpers.designs import small_design
from tests.helpers.word_orders import WORDS, order_of


def trained(folder: Path, text: str = WORDS, **changes: object) -> Checkpoint:
    """Return the checkpoint of an order."""
    order = order_of(folder, text, **changes)
    words, config = read_list(order)
    return train(order, words, config).checkpoint


def test_words_of_another_script(tmp_path: Path) -> None:
    order = order_of(tmp_path)
    words, config = read_list(order)
    assert (words.report.words, words.report.longest) == (8, 2)
    assert config == ModelConfig(
        alphabet="광구대부산서세울인전종주천", block_size=8, n_embd=4, n_head=1, mlp_dim=6
    )
    done = train(order, words, config)
    assert done.checkpoint.config == config
    assert done.loss < np.log(config.vocab_size)
    assert done.checkpoint == train(order, words, config).checkpoint


def test_everything_that_is_wrong_with_a_list_is_told_at_once(tmp_path: Path) -> None:
    order = order_of(tmp_path, "anna\nbo\x07b\nmaximiliane\n")
    with pytest.raises(WordListError) as refused:
        read_list(order)
    assert [problem.kind for problem in refused.value.report.problems] == ["unprintable", "too-long"]
    words, config = read_list(order_of(tmp_path, "anna\nmaximiliane\n", truncate=True))
    assert (words.report.cut, config.block_size) == (1, 8)


def test_the_fastest_cores_are_taken(tmp_path: Path) -> None:
    checkpoint = trained(tmp_path)
    cores = choose_cores(order_of(tmp_path), checkpoint, ["서울"])
    assert [core.name for core in cores.chosen] == ["fused", "wide"]
    assert all(core.model == checkpoint.config and core.word == Q4_12 for core in cores.chosen)
    assert (cores.impossible, cores.left_out) == ({}, ("tile16",))
    asked = choose_cores(order_of(tmp_path, cores=("tile16",)), checkpoint, ["서울"])
    assert [core.name for core in asked.chosen] == ["tile16"]
    assert asked.left_out == ("fused", "wide")


def test_a_core_that_cannot_be_is_told_before_training() -> None:
    order = Order(word_list=Path("none"), out=Path("none"), steps=1, training_seed=1)
    two_layers = ModelConfig(n_layer=2)
    check_cores(order, two_layers)
    with pytest.raises(ValueError, match=r"^core must be .* for this model, not 'fused': "):
        check_cores(replace(order, cores=("wide", "fused")), two_layers)


def test_cores_that_cannot_be_are_left_out(tmp_path: Path) -> None:
    dimensions = {"n_embd": 4, "n_head": 1, "mlp_dim": 6, "block_size": 8, "n_layer": 2}
    checkpoint = trained(tmp_path, dimensions=dimensions)
    cores = choose_cores(order_of(tmp_path), checkpoint, ["서울"])
    assert "fused" in cores.impossible
    assert "fused" not in [core.name for core in cores.chosen]


def test_a_format_that_clips_is_not_taken(tmp_path: Path) -> None:
    """Query and key forty times their size: scores far beyond 8, in which Q4.12 clips."""
    checkpoint = trained(tmp_path, steps=300)
    large = {name: checkpoint.tensors[name] * np.float32(40) for name in ("layer0.wq", "layer0.wk")}
    clipping = Checkpoint(checkpoint.config, {**checkpoint.tensors, **large})
    order = order_of(tmp_path)
    cores = choose_cores(order, clipping, WORDS.split())
    assert cores.word.word != Q4_12
    assert {core.name for core in cores.chosen} == {"fused", "wide"}
    forced = choose_cores(replace(order, format="Q4.12"), clipping, WORDS.split())
    assert forced.word.word == Q4_12
    assert forced.word.warning is not None
    assert forced.word.warning.startswith("Q4.12 clips ")


def test_a_format_that_an_arithmetic_has_not(tmp_path: Path) -> None:
    checkpoint = trained(tmp_path)
    wider = choose_cores(order_of(tmp_path, format="Q5.12"), checkpoint, ["서울"])
    assert [core.word for core in wider.chosen] == [Q5_12, Q5_12]
    assert wider.impossible == {"tile16": "word must be Q4.12 in talos-v2, not Q5.12; use precise for wider words"}
    with pytest.raises(ValueError, match=r"^word must be Q4\.12 in talos-v2, not Q5\.12"):
        choose_cores(order_of(tmp_path, format="Q5.12", cores=("tile16",)), checkpoint, ["서울"])


def test_accuracy_of_the_published_model(checkpoint: Checkpoint, names: list[str]) -> None:
    found = measure(make_design("tile16", checkpoint), names[:500])
    assert f"{found.nll_float:.5f}" == "2.26331"
    assert f"{found.nll_fixed:.6f}" == "2.263310"
    assert 0 < found.kl < 1e-5
    assert (found.words, found.characters) == (500, 3517)


def test_names_are_the_golden_models() -> None:
    design = small_design("ab한")
    model = IntegerModel(design.checkpoint, design.arithmetic)
    expected = [design.model.decode(letters(model, seed=seed, temperature=0x80)) for seed in range(1, 71)]
    assert draw(design, 70, 0.5) == expected


def test_the_c_form_makes_the_same_names(tmp_path: Path) -> None:
    design = small_design("ab한")
    done = make_c_form(design, tmp_path, 50, 0.5)
    assert done.differences == ()
    assert (done.names, done.arithmetic) == (50, "precise")
    assert "scalar" in done.kernels
    again = Model(done.model, "precise")
    assert (again.word, again.config) == (Q5_12, design.model)


def test_a_c_library_that_makes_other_names_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    design, right = small_design("ab한"), Model.generate_many

    def wrong(model: Model, seeds: list[int], temperature: float) -> Any:
        rows = right(model, seeds, temperature)
        rows[3] = (rows[3] + 1) % 3
        return rows

    monkeypatch.setattr(Model, "generate_many", wrong)
    done = make_c_form(design, tmp_path, 10, 0.5)
    assert len(done.differences) == len(done.kernels)
    assert "1 of 10 names differ from the golden model's, the first of seed 4: " in done.differences[0]


def test_the_quartus_project(tmp_path: Path) -> None:
    design = make_design("tile16", trained(tmp_path))
    make_project(design.save(tmp_path / "design"), tmp_path / "quartus")
    made = {path.name for path in (tmp_path / "quartus").iterdir()}
    assert {"top.v", "top.qsf", "top.sdc", "compile.sh", "README.md"} <= made
    assert Design.load(tmp_path / "quartus" / "design.json") == design
