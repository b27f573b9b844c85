"""The schema of the commands' JSON files: it takes what they write, and names what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cosim.page.figures import figures
from cosim.page.inputs import COMMANDS, SCHEMA, check, read_inputs

DIGEST = "0" * 64
SIM = {
    "clock_hz": 56_250_000,
    "runs": [
        {
            "core": "tile16", "design": DIGEST, "simulator": "Verilator 5.48.0", "arithmetic": "talos-v2",
            "steps": 10, "letters": 8, "cycles": 3000, "cycles_per_step": 300.0, "cycles_by_position": [300],
            "steps_per_second": 187500.0,
            "cycles_by_stage": {"NORM": 1000, "SAMPLE": 2000, "STALL": 0}, "letters_per_second": 150000.0,
            "checked": {"values": 320}, "mismatches": 0, "verilog_sha256": DIGEST, "checkpoint": DIGEST,
        },
    ],
}  # fmt: skip

PLACED = {
    "board": "ulx3s-85f", "part": "LFE5U-85F", "grade": 6, "core": "tile16", "design": DIGEST,
    "clock_mhz": 45.0, "fmax_mhz": 50.7, "seeds": [50.7, None],
    "luts": 23854, "registers": 11042, "multipliers": 54, "memory_blocks": 9,
}  # fmt: skip


def test_every_command_has_a_definition() -> None:
    definitions = json.loads(SCHEMA.read_text())["$defs"]
    assert set(COMMANDS) <= set(definitions)
    assert all("description" in definitions[name] for name in COMMANDS)


def test_a_missing_and_a_wrong_field_are_named() -> None:
    assert check("sim", SIM) is SIM
    with pytest.raises(ValueError, match=r"^the document: .*runs"):
        check("sim", {"clock_hz": 1})
    wrong = json.loads(json.dumps(SIM))
    wrong["runs"][0]["mismatches"] = -1
    with pytest.raises(ValueError, match=r"^/runs/0/mismatches: "):
        check("sim", wrong)


def test_files_are_read_and_named_when_wrong(tmp_path: Path) -> None:
    assert read_inputs(tmp_path) == {}
    (tmp_path / "sim.json").write_text(json.dumps(SIM))
    placed = tmp_path / "bitstream" / "ulx3s-85f" / "tile16"
    placed.mkdir(parents=True)
    (placed / "report.json").write_text(json.dumps(PLACED))
    assert read_inputs(tmp_path) == {"sim": SIM, "bitstream": [PLACED]}
    (tmp_path / "bench.json").write_text("[")
    with pytest.raises(ValueError, match=r"bench\.json is not usable: .*; write it again: make bench$"):
        read_inputs(tmp_path)


def row(report: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the row of a system."""
    [found] = [row for row in report["throughput"] if row["name"] == name]
    assert isinstance(found, dict)
    return found


def test_figures_are_those_of_the_files() -> None:
    report = figures({"sim": SIM})
    ours = row(report, "tile16, 56.25 MHz")
    assert (ours["kind"], ours["steps_per_second"], ours["watts"]) == ("simulated", 187500.0, 2.0)
    assert report["stages"] == [
        {"core": "tile16", "stage": "NORM", "cycles": 100.0}, {"core": "tile16", "stage": "SAMPLE", "cycles": 200.0},
    ]  # fmt: skip
    assert report["positions"] == [{"core": "tile16", "position": 0, "cycles": 300}]
    board = row(report, "TALOS-V2, board, 56.25 MHz")
    assert (board["counts"], board["kind"]) == ("letters", "published")
    [power] = [row for row in report["power"] if row["name"] == board["name"]]
    assert power["per_watt"] == 26_500
    assert row(report, "WebAssembly fp32 in Chrome, M4 Pro")["steps_per_second"] == 1_341_206
    assert [entry["file"] for entry in report["inputs"] if entry["found"]] == ["sim.json"]


def test_a_core_on_another_chip_has_its_own_clock() -> None:
    report = figures({"sim": SIM, "bitstream": [PLACED]})
    assert report["placed"] == [PLACED | {"steps_per_second": 150_000.0}]
    assert not any("ulx3s" in row["name"] for row in report["throughput"])
    assert figures({"bitstream": [PLACED]})["placed"][0]["steps_per_second"] is None
    # The same name, and another shape.
    other = PLACED | {"design": "1" * 64}
    assert figures({"sim": SIM, "bitstream": [other]})["placed"][0]["steps_per_second"] is None


def test_without_files_only_published_rows_are_left() -> None:
    report = figures({})
    assert {row["kind"] for row in report["throughput"]} == {"published", "published RTL, simulated"}
    assert report["resources"] is None
