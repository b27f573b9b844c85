"""Counting mapped cells, the limits of the device, and one small core through Yosys."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from cosim.page.inputs import check
from hdl.cli import main
from hdl.core.config import CoreConfig
from hdl.core.cores import core_config
from hdl.core.estimate import estimate
from hdl.design import Design
from hdl.device import resource_report
from hdl.device.cyclone_v import DEVICE, Resources
from hdl.device.pairs import pair_from_json
from hdl.device.resources import SYNTHESIS_FILE, count, read_synthesis, synthesise
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig
from tests.helpers.designs import design_of
from tests.helpers.pairs import a_pair


def test_count() -> None:
    cells = {
        "MISTRAL_ALUT6": 100,
        "MISTRAL_ALUT5": 31,
        "MISTRAL_ALUT2": 10,
        "MISTRAL_ALUT_ARITH": 59,
        "MISTRAL_NOT": 1,
        "MISTRAL_FF": 500,
        "MISTRAL_MUL18X18": 5,
        "MISTRAL_MUL27X27": 2,
        "MISTRAL_MUL9X9": 4,
        "cyclonev_mac": 8,
        "MISTRAL_M10K": 7,
        "MISTRAL_MLAB": 21,
    }
    # (31 + 10 + 59 + 1) / 2 rounded up; each product that Yosys found is a block, too.
    assert count(cells) == Resources(alms=151, aluts=201, registers=500, dsp_blocks=8 + 5 + 2 + 4, m10k=7, mlab=2)


def test_unknown_cells_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^cells must be Cyclone V cells, not '\$mul'$"):
        count({"MISTRAL_FF": 1, "$mul": 3})


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("alms", 23_752, "c with registers must take at most 24,373 ALMs (76%), not 24,374"),
        ("dsp_blocks", 88, "c must take at most 87 DSP blocks, not 88"),
        ("m10k", 398, "c must take at most 397 m10k, not 398"),
        ("registers", 128_281, "c must take at most 128,280 registers, not 128,281"),
    ],
)
def test_problems(part: str, value: int, message: str) -> None:
    fields = {"alms": 23_751, "registers": DEVICE.registers, "dsp_blocks": 87, "m10k": 397}
    assert resource_report.problems("c", Resources(**fields), 22_000) == []
    assert resource_report.problems("c", Resources(**fields | {part: value}), 22_000) == [message]


def test_registers_of_a_kind() -> None:
    """Those of several streams are smaller, so that the core may be larger."""
    singles, several = core_config("fused"), core_config("barrel")
    assert resource_report.register_alms(singles) > 3 * resource_report.register_alms(several)
    used = Resources(alms=24_373 - 160, registers=1, dsp_blocks=1, m10k=1)
    assert resource_report.problems("c", used, 1, resource_report.register_alms(several)) == []
    assert resource_report.problems("c", used, 1, resource_report.register_alms(singles)) != []


def test_a_long_path() -> None:
    used = Resources(alms=1, registers=1, dsp_blocks=1, m10k=1)
    assert resource_report.problems("c", used, 22_100) == ["c must have no path above 22 ns, not 22.1 ns"]


def _tiny() -> Design:
    model = ModelConfig(alphabet="ab", block_size=2, n_embd=4, n_head=1, mlp_dim=4)
    rng = np.random.default_rng(1)
    tensors = {name: rng.normal(0, 0.5, shape).astype(np.float32) for name, shape in model.shapes().items()}
    config = CoreConfig(name="tiny", arithmetic_name="talos-v2", tile_rows=4, tile_columns=1, model=model)
    return design_of(config, Checkpoint(model, tensors))


def test_synthesis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small core is mapped without an unknown cell, and not mapped again for the same Verilog."""
    design = _tiny()
    monkeypatch.setenv("TALOS_BUILD", str(tmp_path))
    mapped = read_synthesis(synthesise(design))
    used = count(mapped["cells"])
    # Tile, attention and RMSNorm have four products each; the rest are the sampler's.
    assert used.dsp_blocks == 2 + 2 + 2 + 2
    assert not any(name.startswith("MISTRAL_MUL") for name in mapped["cells"])
    expected = estimate(design.core)
    assert (used.dsp_blocks, used.m10k) == (expected.dsp_blocks, expected.m10k)
    assert used.registers > 100
    lengths = [path["picoseconds"] for path in mapped["longest_paths"]]
    assert lengths == sorted(lengths, reverse=True)
    assert 5_000 < lengths[0] < 30_000
    kept = synthesise(design) / SYNTHESIS_FILE
    kept.write_text(json.dumps(mapped | {"cells": {"MISTRAL_FF": 1}}))
    assert read_synthesis(synthesise(design))["cells"] == {"MISTRAL_FF": 1}


def test_report_fails_where_a_core_does_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = {"cyclonev_mac": 87, "MISTRAL_MUL18X18": 1, "MISTRAL_FF": 10}
    path = {"picoseconds": 9000, "start": "a[0]", "end": "b[1]", "hops": 4}
    mapped = {"cells": cells, "longest_paths": [path], "verilog_sha256": "0"}
    (tmp_path / SYNTHESIS_FILE).write_text(json.dumps(mapped))
    monkeypatch.setattr(resource_report, "synthesise", lambda design: tmp_path)
    out = tmp_path / "resources.json"
    assert main(["resources", "--core", "tile16", "--out", str(out)]) == 1
    printed = capsys.readouterr()
    assert "tile16 must take at most 87 DSP blocks, not 88" in printed.err.replace("\n", " ")
    assert "9.0 ns  a[0] -> b[1]" in printed.out
    (row,) = json.loads(out.read_text())["cores"]
    assert row["dsp_blocks"] == 88
    assert row["core"] == "tile16"
    assert row["synthesis"].startswith("Yosys")


def test_report_quotes_the_calibrated_ranges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside each estimate, in the table and for programs: fits of 900 ALMs for 800 or 850; 10 ns for 18 or 20."""
    paths = [{"picoseconds": 18_000, "start": "a[0]", "end": "b[1]", "hops": 4}]
    mapped = {"cells": {"MISTRAL_ALUT6": 16_000}, "longest_paths": paths, "verilog_sha256": "0"}
    (tmp_path / SYNTHESIS_FILE).write_text(json.dumps(mapped))
    monkeypatch.setattr(resource_report, "synthesise", lambda design: tmp_path)
    monkeypatch.setattr(resource_report, "known_pairs", lambda: [a_pair()])
    out = tmp_path / "resources.json"
    assert main(["resources", "--core", "tile16", "--out", str(out)]) == 0
    report = check("resources", json.loads(out.read_text()))
    assert report["cores"][0]["alms"] == 16_000
    assert report["cores"][0]["calibrated"] == {"alms": [16_941, 18_000], "longest_path_ps": [9_000, 10_000]}
    assert pair_from_json(report["pairs"][0]) == a_pair()
    printed = capsys.readouterr().out
    assert re.search(r"│ +16,000 \(50%\) │ 16,941 to 18,000 +\(53-56%\) │", printed)
    assert re.search(r"│ +18\.0 ns │ 9\.0 to 10\.0 ns │", printed)
    assert "takes 1.06 to 1.12 times the estimated ALMs" in printed
    assert "the estimate divided by 1.80 to 2.00" in printed
    assert re.search(r"│ d \(placed\) +│ +│ +│ +900 │ +70 │", printed)


def test_unknown_core(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["resources", "--core", "huge"]) == 2
    assert capsys.readouterr().err == "error: --core must be tile16, wide, fused or barrel, not 'huge'\n"
