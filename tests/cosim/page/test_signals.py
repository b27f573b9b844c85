"""What Verilator calls a signal, and the header that says where it is."""

from __future__ import annotations

import pytest

from cosim.page.places import weight_places
from cosim.page.signals import Member, captured, members, public_file, signals_header
from cosim.report.gantt import rows_of
from tests.helpers.designs import published

HEADER = """
    VL_IN8(&request___05Fvalid,0,0);
    VL_IN64(&request___05Fpayload,62,0);
        CData/*0:0*/ core__DOT__tile__DOT__multipliers___05Fvalid;
        VlWide<8>/*255:0*/ core__DOT__attention__DOT__cache__DOT__key;
        VlUnpacked<VlWide<8>/*255:0*/, 224> core__DOT__weights__024163__DOT__memory;
        QData/*33:0*/ __VdfgRegularize;
"""


def test_members_are_found_by_their_names_in_verilog() -> None:
    found = members(HEADER, "core")
    assert found["request__payload"] == Member("request___05Fpayload", 63)
    assert found["tile.multipliers__valid"] == Member("core__DOT__tile__DOT__multipliers___05Fvalid", 1)
    assert found["attention.cache.key"].bits == 256
    memory = Member("core__DOT__weights__024163__DOT__memory", 256)
    assert found["weights.memory"] == found["weights$163.memory"] == memory


def test_the_header_needs_every_signal() -> None:
    core = published("tile16").core
    found = dict.fromkeys(captured(core), Member("a", 1))
    found |= dict.fromkeys(["request__payload", "weights.memory"], Member("b", 9))
    text = signals_header(core, found)
    assert f"<< {len(rows_of(core)) - 1};" in text
    assert "signals[0] = {&root->b, 9};" in text
    del found["attention.weights"]
    with pytest.raises(KeyError, match=r"attention\.weights"):
        signals_header(core, found)


@pytest.mark.parametrize("core", ["tile16", "wide", "fused"])
def test_every_weight_has_a_place(core: str) -> None:
    design = published(core)
    places = weight_places(design)
    shapes = design.core.matrices()
    for matrix in {place["matrix"] for place in places}:
        rows, columns = shapes[matrix]
        mine = [place for place in places if place["matrix"] == matrix]
        places_of = [(row, column) for place in mine for row in place["rows"] for column in place["columns"]]
        assert sorted(places_of) == [(row, column) for row in range(rows) for column in range(columns)]
    assert public_file(design.core).count("public_flat_rd") == len(captured(design.core))
