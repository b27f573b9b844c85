"""Coverage is measured in the circuit: what it does is seen, and a hole that is planted is named."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim.barrel.names import expected_names
from cosim.cli import main
from cosim.core.verify import generate
from cosim.coverage.core_groups import core_groups
from cosim.coverage.directed import Searched
from cosim.coverage.group import Group
from cosim.coverage.measure import Seen
from cosim.coverage.observer import Observed, read_observed
from cosim.coverage.report import contradictions, holes, rows
from cosim.coverage.stimulus import campaign_batches
from cosim.evidence.state import Register
from hdl.core.config import CoreConfig
from hdl.design import Design
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig
from tests.helpers.barrel_designs import small_barrel
from tests.helpers.campaigns import ROOT
from tests.helpers.designs import design_of, published


def observed_design() -> Design:
    """Return a design of six letters that a name is soon made in, with weights large enough to clip."""
    model = ModelConfig(alphabet="abcdef", block_size=6, n_embd=4, n_head=1, mlp_dim=4)
    rng = np.random.default_rng(1)
    tensors = {name: rng.normal(0, 1.5, shape).astype(np.float32) for name, shape in model.shapes().items()}
    config = CoreConfig(name="seen", arithmetic_name="talos-v2", tile_rows=4, tile_columns=1, model=model)
    return design_of(config, Checkpoint(model, tensors))


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file of the design, in a build folder of its own."""
    folder = tmp_path_factory.mktemp("coverage")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TALOS_BUILD", str(folder / "build"))
        yield observed_design().save(folder / "design")


def coverage(design: Path, out: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """Run the command in Icarus; return its status and its groups by name."""
    status = main(["coverage", "--design", str(design), "--simulator", "icarus", "--short", "--search", "0",
                   "--out", str(out), *words])  # fmt: skip
    document = json.loads(out.read_text())
    check_schema(document)
    return status, {group["name"]: group for group in document["groups"]}


def check_schema(document: Any) -> None:
    """Raise unless a document is as the schema says."""
    from jschon import JSON, JSONSchema, create_catalog

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        create_catalog("2020-12")
        schema = JSONSchema(json.loads((ROOT / "cosim" / "coverage" / "schema.json").read_text()))
        result = schema.evaluate(JSON(document))
        assert result.valid, result.output("basic")


PLANTED = """
  reg [2:0] planted = 3'h2;
  always @(posedge clk)
    planted <= { planted[2:1], 1'h1 } & 3'h3;
"""
"""Bit 0 goes from 0 to 1; the others never change."""


def test_the_circuit_is_seen_and_a_planted_hole_named(
    design: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = generate(Design.load(design)).path
    text = path.read_text()
    begin = re.search(r"^module \\seen\.tile \(.*?\);\n", text, re.M | re.S)
    assert begin is not None
    path.write_text(text[: begin.end()] + PLANTED + text[begin.end() :])
    status, groups = coverage(design, tmp_path / "coverage.json", "--bench", "names", "--names", "3")
    said = capsys.readouterr()
    assert status == 0, said.err
    assert groups["bits of core.tile"]["holes"] == {"planted[1]": "", "planted[2]": ""}
    assert "\nbits of core.tile: planted[2:1]\n" in said.out
    # Three names of a campaign, each with a first step.
    counts = {name: group["counts"] for name, group in groups.items()}
    assert counts["position"]["0"]["campaign"] == 3
    assert counts["token_in at position"]["6 at 0"]["campaign"] == 3
    assert sum(count["campaign"] for count in counts["position"].values()) == sum(
        count["campaign"] for count in counts["token_out"].values()
    )
    assert counts["temperature of a request"]["0.5"]["campaign"] == 1
    assert counts["request"]["name, drawn, legal"] == {"tests": 11, "campaign": 3, "search": 0}
    assert counts["request"]["name, greedy, legal"] == {"tests": 1, "campaign": 0, "search": 0}
    # Nobody cleared the core or let a result wait.
    assert "QKV" in groups["clear in stage"]["holes"]
    assert re.search(r"^clear in stage: .*QKV", said.out, re.M)
    assert list(groups["stage"]["holes"]) == ["STALL"]
    assert groups["stage"]["reached"] == {"tests": 9, "campaign": 9, "search": 0}
    # The logits that the golden model clips are clipped in the circuit, too: by as many sums of the tile.
    above = counts["clipping"]["logits: above"]["campaign"]
    assert counts["sums of the tile"]["logits: clipped to the highest"]["campaign"] == above > 0


def test_a_core_with_several_streams_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches, streams at work, results by stream; two names keep two of eight streams at work at most."""
    monkeypatch.setenv("TALOS_BUILD", str(tmp_path / "build"))
    design = small_barrel()
    words = ["--bench", "names", "--names", "2"]
    status, groups = coverage(design.save(tmp_path / "design"), tmp_path / "coverage.json", *words)
    assert status == 0
    counts = {name: group["counts"] for name, group in groups.items()}
    assert counts["batch"]["drawn, legal"]["campaign"] == 2, "one name at 0.5, and one at 1"
    assert counts["batch"]["greedy, legal"]["tests"] == 1
    assert counts["temperature of a batch"]["0 to 0.0625"]["tests"] == 1
    at_work = {point for point, count in counts["streams at work"].items() if count["campaign"]}
    assert at_work == {"0", "1", "2"}
    assert groups["streams at work at a clear"]["reached"] == {"tests": 0, "campaign": 0, "search": 0}
    assert "8" in groups["streams at work at a clear"]["holes"]
    expected = [name for batch in campaign_batches(design.core, 2) for name in expected_names(design, batch)]
    steps = [name.step(position) for name in expected for position in range(name.length)]
    assert sum(count["campaign"] for count in counts["position in stream"].values()) == len(steps)
    for token in range(design.model.vocab_size):
        largest = sum(int(np.argmax(step.logits)) == token for step in steps)
        assert counts["argmax"][str(token)]["campaign"] == largest


def test_a_bench_of_another_kind_of_core(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "coverage.json"
    assert main(["coverage", "--core", "barrel", "--bench", "stalls", "--out", str(out)]) == 2
    assert capsys.readouterr().err == "error: bench of barrel must be one of names, around, registers, not 'stalls'\n"


NOTHING = Searched((), {}, 0)


def seen(counts: dict[int, int], group: Group, ones: int = 0b0110, zeros: int = 0b0011) -> Seen:
    register = Register("tile", ("top", "tile"), "held", 4, 1)
    observed = Observed((counts,), (zeros,), (ones,))
    nothing = Observed(({},), (0,), (0,))
    return Seen(groups=(group,), registers=(register,), within=("core",),
                by_source={"tests": observed, "campaign": nothing, "search": nothing})  # fmt: skip


def test_rows_tell_holes_from_what_is_out_of_reach() -> None:
    places = {0: "A", 1: "B", 2: "C", 3: "C"}
    group = Group(name="stage", when="1", index="stage", places=places, unreachable={"B": "so"})
    found = rows(published("tile16"), [seen({0: 5, 3: 1}, group)], {}, NOTHING)
    assert [row.holes for row in found] == [{}, {"held[0]": "", "held[2]": "", "held[3]": ""}]
    assert holes(found[1]) == "held[0,3:2]"
    assert contradictions(found) == []
    assert found[0].seen["C"] == {"tests": 1, "campaign": 0, "search": 0}
    found = rows(published("tile16"), [seen({0: 5, 1: 1}, group)], {}, NOTHING)
    assert list(found[0].holes) == ["C"]
    assert contradictions(found) == ["stage: B was reached, though so"]


def test_known_reasons_stand_beside_the_holes() -> None:
    group = Group(name="largest logit", when="1", index="0", places={0: "the format's lowest", 1: "0"})
    [row, _] = rows(published("fused"), [seen({}, group)], {}, NOTHING)
    assert holes(row) == "the format's lowest (every logit would have to be the lowest one); 0"


def test_an_incomplete_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "observed.txt"
    path.write_text("count 0 3 17\nbits 0 ff 0a\n")
    assert read_observed(path, 1, 1) == Observed(({3: 17},), (0xFF,), (0x0A,))
    with pytest.raises(ValueError, match="must have 2 registers, not 1"):
        read_observed(path, 1, 2)


@pytest.mark.parametrize("core", ["tile16", "wide", "fused"])
def test_every_stage_that_a_schedule_has_can_be_reached(core: str) -> None:
    groups = {group.name: group for group in core_groups(published(core))}
    absent = {"tile16": set(), "wide": set(), "fused": {"NORM", "QKV", "FC2"}}[core]
    assert absent <= set(groups["stage"].unreachable)
    assert not {"IDLE", "SAMPLE", "STALL", "LM_HEAD"} & set(groups["stage"].unreachable)
    assert "SAMPLE to STALL" not in groups["stage to stage"].unreachable
    assert "IDLE to LM_HEAD" in groups["stage to stage"].unreachable
