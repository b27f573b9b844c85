"""The sites of multipliers: neighbours in the order of their banks, and all of them sites that nextpnr knows."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from hdl.device.ecp5_floorplan import MULTIPLIER_SITES, copy_fixed, fix_multipliers
from hdl.device.nextpnr import nextpnr_program
from hdl.device.yosys import run_yosys
from hdl.device.yowasp import run_program

BANKS = {"core.pool.block": 112, "core.rmsnorm.bank.block": 16, "core.head.block": 27}


def netlist(banks: dict[str, int]) -> dict[str, Any]:
    """A netlist with the multipliers of some banks, two a block, in any order, beside other cells."""
    names = [f"{bank}{half // 2}.half{half % 2}" for bank, count in banks.items() for half in range(count)]
    random.Random(1).shuffle(names)
    cells = {name: {"type": "MULT18X18D", "attributes": {}} for name in names}
    return {"modules": {"LUT4": {}, "top": {"cells": cells | {"core.pool.block0": {"type": "LUT4", "attributes": {}}}}}}


def test_blocks_are_neighbours() -> None:
    made = netlist(BANKS)
    assert fix_multipliers(made) == 155
    cells = made["modules"]["top"]["cells"]
    assert "BEL" not in cells.pop("core.pool.block0")["attributes"]
    order = sorted(cells, key=lambda name: MULTIPLIER_SITES.index(cells[name]["attributes"]["BEL"]))
    expected = [
        f"{bank}{half // 2}.half{half % 2}"
        for bank in sorted(BANKS, key=lambda bank: -BANKS[bank])
        for half in range(BANKS[bank])
    ]
    assert order == expected


def places(made: dict[str, Any]) -> dict[str, list[tuple[int, int]]]:
    """Bank -> column and row of each of its multipliers, in the order of their numbers."""
    found: dict[str, list[tuple[int, int]]] = {}
    cells = {name: cell for name, cell in made["modules"]["top"]["cells"].items() if cell["type"] == "MULT18X18D"}
    for name in sorted(cells, key=lambda name: [int(digits) for digits in re.findall(r"\d+", name)]):
        x, y = re.findall(r"\d+", cells[name]["attributes"]["BEL"])[:2]
        found.setdefault(re.split(r"\d", name)[0], []).append((int(x), int(y)))
    return found


def test_few_stand_in_the_middle() -> None:
    """The banks of ``tile16``: two rows, equal lanes of banks in the same columns, no bank in pieces."""
    made = netlist({"core.attention.block": 16, "core.rmsnorm.block": 16, "core.tile.block": 16, "core.head.block": 4})
    assert fix_multipliers(made) == 52
    cells = made["modules"]["top"]["cells"].values()
    sites = [cell["attributes"]["BEL"] for cell in cells if cell["type"] == "MULT18X18D"]
    assert len(set(sites)) == 52
    assert set(sites) <= set(MULTIPLIER_SITES)
    found = places(made)
    attention, rmsnorm, tile, head = (found[f"core.{name}.block"] for name in ("attention", "rmsnorm", "tile", "head"))
    assert all(bank == sorted(bank) for bank in (attention, rmsnorm, tile, head))
    assert {y for _, y in attention + rmsnorm} == {58}
    assert {y for _, y in tile + head} == {34}
    assert [x for x, _ in tile] == [x for x, _ in rmsnorm]
    assert [x for x, _ in head] == [x for x, _ in attention[-4:]]
    columns = [x for x, _ in attention + rmsnorm]
    assert columns == sorted(columns)
    assert abs((columns[0] + columns[-1]) / 2 - 63) < 5


@pytest.mark.parametrize("count", [1, 7, 52, 53, 78])
def test_a_bank_too_long_for_a_row_goes_on_in_the_next(count: int) -> None:
    made = netlist({"core.pool.block": count})
    assert fix_multipliers(made) == count
    (found,) = places(made).values()
    assert len(set(found)) == count
    assert len({y for _, y in found}) == (1 if count <= 52 else 2)


@pytest.mark.parametrize("count", [0, 157])
def test_none_or_too_many_are_left_to_the_placer(count: int) -> None:
    made = netlist({"core.pool.block": count})
    assert fix_multipliers(made) == 0
    assert made == netlist({"core.pool.block": count})


def test_another_device_has_other_sites(tmp_path: Path) -> None:
    text = json.dumps(netlist({"core.pool.block": 8}))
    (tmp_path / "all.json").write_text(text)
    copy_fixed(tmp_path / "all.json", tmp_path / "other.json", "LFE5U-45F")
    assert (tmp_path / "other.json").read_text() == text
    copy_fixed(tmp_path / "all.json", tmp_path / "fixed.json", "LFE5U-85F")
    assert (tmp_path / "fixed.json").read_text().count("BEL") == 8


def test_nextpnr_knows_all_sites(tmp_path: Path) -> None:
    """156 multipliers alone: nextpnr ends with an error where a site is none, or is taken twice."""
    count = len(set(MULTIPLIER_SITES))
    assert count == len(MULTIPLIER_SITES) == 156
    ports = ", ".join(f".A{bit}(1'b0), .B{bit}(1'b1)" for bit in range(18))
    multipliers = "\n".join(f"(* keep *) MULT18X18D core_bank{place} ({ports});" for place in range(count))
    (tmp_path / "all.v").write_text(f"module all; {multipliers} endmodule")
    done = run_yosys(["-p", "read_verilog all.v; synth_ecp5 -top all; write_json all.json"], tmp_path)
    assert done.returncode == 0, done.stdout[-2000:]
    copy_fixed(tmp_path / "all.json", tmp_path / "fixed.json", "LFE5U-85F")
    arguments = ["--85k", "--package", "CABGA381", "--no-route", "--json", "fixed.json", "--write", "placed.json"]
    run_program(nextpnr_program(), arguments, tmp_path, "place.log", None)
    cells = json.loads((tmp_path / "placed.json").read_bytes())["modules"]["top"]["cells"]
    found = {name: cell["attributes"]["NEXTPNR_BEL"] for name, cell in cells.items() if "bank" in name}
    assert found == {f"core_bank{place}": site for place, site in enumerate(MULTIPLIER_SITES)}
