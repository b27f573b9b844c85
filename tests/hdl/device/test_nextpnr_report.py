"""nextpnr's report, read: the frequency after routing, the parts, and the longest paths by unit."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from hdl.device.nextpnr_report import Path, read_report, unit_of

CLOCK = "$glbnet$demo.clk"
EDGE = f"posedge {CLOCK}"
UNITS = {"system", "system.core", "system.core.rmsnorm", "system.core.rmsnorm.scale", "system.core.lanes"}


def net(cell: str, slowest: float, start: str = EDGE, end: str = EDGE) -> dict[str, Any]:
    """A net with one end, in the layout of nextpnr 0.11.1."""
    ends = [{"cell": cell, "delay": [0.5, slowest], "event": end, "port": "DI"}]
    return {"driver": "gate", "endpoints": ends, "event": start, "net": f"{cell}_DI", "port": "F", "sources": []}


def report(**changes: Any) -> str:
    """A report, cut down to what is read of it."""
    found = {
        "critical_paths": [],
        "detailed_net_timings": [
            net("system.core.rmsnorm.scale.i__payload$7.sum[1]_TRELLIS_FF_Q_2", 15.49),
            net("system.core.rmsnorm.scale.i__payload$7.sum[1]_TRELLIS_FF_Q_1", 15.4),
            net("system.core.lanes.total3_TRELLIS_FF_Q", 14.0),
            net("system.core.lanes.total11_TRELLIS_FF_Q", 14.5),
            # From a pin, and to one: of no cycle.
            net("reset.stage0_TRELLIS_FF_Q", 99.0, start="<async>"),
            net("led_pins.buf.buf1", 98.0, end="<async>"),
            net("left_TRELLIS_FF_Q_DI_LUT4_Z", 3.0),
        ],
        "fmax": {CLOCK: {"achieved": 64.55361, "constraint": 56.25246}},
        "utilization": {"TRELLIS_COMB": {"available": 83640, "used": 6302}, "DP16KD": {"available": 208, "used": 0}},
    }  # fmt: skip
    return json.dumps({**found, **changes})


def test_report() -> None:
    found = read_report(report(), UNITS)
    assert found.fmax_mhz == 64.55361
    assert found.used == {"TRELLIS_COMB": 6302, "DP16KD": 0}
    assert found.available == {"TRELLIS_COMB": 83640, "DP16KD": 208}
    # Bits of a register and numbered lanes are one path: the slowest.
    assert found.paths == (
        Path(nanoseconds=15.49, unit="system.core.rmsnorm.scale", register="i__payload$7.sum[1]"),
        Path(nanoseconds=14.5, unit="system.core.lanes", register="total11"),
        Path(nanoseconds=3.0, unit="", register="left"),
    )
    assert read_report(report(), UNITS, count=1).paths == found.paths[:1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Info: Max frequency", "text must be a report of nextpnr with detailed timings (JSONDecodeError("),
        (report(detailed_net_timings=None), "text must be a report of nextpnr with detailed timings (TypeError("),
        (report(fmax={}), "report must have one clock, not 0: none"),
        (report(fmax={"a": {"achieved": 1}, "b": {"achieved": 2}}), "report must have one clock, not 2: a, b"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        read_report(text, UNITS)


@pytest.mark.parametrize(
    ("cell", "unit", "register"),
    [
        ("system.core.sum_TRELLIS_FF_Q", "system.core", "sum"),
        ("system.core.rmsnorm.b_MULT18X18D_A0", "system.core.rmsnorm", "b"),
        ("elsewhere.sum", "", "elsewhere.sum"),
    ],
)
def test_units(cell: str, unit: str, register: str) -> None:
    assert unit_of(cell, UNITS) == (unit, register)


def test_the_set_up_time_of_the_longest_path() -> None:
    """nextpnr leaves it out of all ends but that of the critical path."""
    ends = [{"cell": "core.bank.multiplier0", "delay": [1.0, 9.0], "event": "posedge clk"}]
    cell = {"cell": "core.bank.multiplier0", "port": "A0"}
    parts = [("clk-to-q", 0.5), ("routing", 8.5), ("setup", 3.5)]
    text = json.dumps(
        {
            "fmax": {"clk": {"achieved": 80.0, "constraint": 50.0}},
            "utilization": {"MULT18X18D": {"used": 1, "available": 156}},
            "detailed_net_timings": [{"event": "posedge clk", "endpoints": ends}],
            "critical_paths": [
                {"from": "posedge clk", "to": "<async>", "path": [{"delay": 99.0, "from": cell, "to": cell}]},
                {"from": "posedge clk", "to": "posedge clk",
                 "path": [{"type": kind, "delay": delay, "from": cell, "to": cell} for kind, delay in parts]},
            ],
        }
    )  # fmt: skip
    (path,) = read_report(text, {"core", "core.bank"}).paths
    assert (path.nanoseconds, path.unit, path.register) == (12.5, "core.bank", "multiplier0")
