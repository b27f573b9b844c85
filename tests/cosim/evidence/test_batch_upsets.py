"""Upsets in a small system of several streams: its watchdog ends what hangs, and without it a hang is found."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest

from cosim.core.verify import Generated
from cosim.evidence.upset_sessions import BatchSessions
from cosim.evidence.upsets import Outcome, Upsets, find_upsets
from hdl.verilog import system_verilog
from tests.helpers.barrel_designs import small_barrel

SEED = 1
WITHOUT = {"watchdog": "time_out", "count": "miscounted"}
"""What a plusarg takes away: it makes a wire 0."""


@pytest.fixture(scope="module")
def find(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Upsets]:
    """`find_upsets` on the system, from which plusargs can take something away; compiled once."""
    text = system_verilog(small_barrel())
    for name, wire in WITHOUT.items():
        switched = f"  reg no_{name}; initial no_{name} = $test$plusargs(\"no_{name}\") != 0;\n"
        switched += rf"  assign {wire} = no_{name} ? 1'h0 : (\1);"
        text, count = re.subn(rf"^  assign {wire} = (.*?);$", switched, text, flags=re.M)
        assert count == 1, wire
    path = tmp_path_factory.mktemp("upsets") / "barrel_system.v"
    path.write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    system = Generated(small_barrel(), path, digest, system=True, folder=path.parent)
    return partial(find_upsets, small_barrel(), generated=system, quick=True)


def flags(found: Upsets) -> Counter[str]:
    return Counter(error for errors in found.errors for error in errors)


def test_the_registers(find: Callable[..., Upsets]) -> None:
    """Nothing hangs, and the next batch is right; names that are too many or too few are told."""
    found = find(150, SEED, within="registers")
    assert Outcome.HUNG not in found.outcomes
    assert all(found.recovered)
    assert flags(found)["miscounted"] > 5


def test_a_flag_of_no_name_is_told(find: Callable[..., Upsets]) -> None:
    """Each bit of the register `error` is hit, and some of them have no name in the registers of a batch."""
    found = find(None, SEED, within="registers")
    pairs = zip(found.outcomes, found.errors, strict=True)
    assert all(errors for outcome, errors in pairs if outcome is Outcome.FLAGGED)
    assert flags(found)["unnamed"] > 0


def test_a_machine_that_hangs_is_found(find: Callable[..., Upsets]) -> None:
    """Steps that get lost are told by the watchdog, and hang without it; steps too many are told by the count."""
    queue = "core.draw.firsts"
    found = find(None, SEED, within=queue)
    assert Outcome.HUNG not in found.outcomes
    assert all(found.recovered)
    assert flags(found)["time_out"] > 0
    assert flags(found)["miscounted"] > 0
    assert Outcome.HUNG in find(None, SEED, within=queue, plusargs=["+no_watchdog"]).outcomes
    uncounted = find(None, SEED, within=queue, plusargs=["+no_count"])
    assert flags(uncounted)["miscounted"] == 0
    assert Counter(uncounted.outcomes)[Outcome.FLAGGED] < Counter(found.outcomes)[Outcome.FLAGGED]


@pytest.mark.parametrize(("unit", "cache"), [("core.scores", "keys"), ("core.sums", "values")])
def test_caches(find: Callable[..., Upsets], unit: str, cache: str) -> None:
    """All rows are hit, those of position 0, too."""
    found = find(200, SEED, within=unit)
    assert {upset.word % 8 for upset in found.upsets if upset.register.name == cache} == set(range(8))
    assert all(found.recovered)


def test_what_is_right() -> None:
    sessions = BatchSessions(small_barrel())
    assert sessions.count == 16
    assert not sessions.right(5, [4, 0, 0, 0, 0])
