"""The table of pairs: whole lines, nothing lost, and the figures that the project's own holds."""

from __future__ import annotations

import json
import re
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from hdl.device.other_sources import TALOS_V2
from hdl.device.pairs import append_pair, known_pairs, read_pairs
from tests.helpers.pairs import a_pair


def test_figures() -> None:
    pair = a_pair()
    assert pair.estimate is not None
    assert (pair.estimate.core_alms, pair.estimate.alms) == (800, 850)
    assert pair.estimate.multipliers == {18: 3, 9: 1}
    assert pair.fit.period_ns == 10.0
    assert replace(pair.fit, fmax_mhz={}, setup_slack_ns={"Slow": 4.5, "Fast": 9.0}).period_ns == 15.5
    assert replace(pair.fit, fmax_mhz={}, setup_slack_ns={}).period_ns is None


def test_a_line_is_the_pair(tmp_path: Path) -> None:
    table = tmp_path / "new" / "pairs.jsonl"
    first, second = a_pair(), replace(a_pair(2), estimate=None)
    assert append_pair(table, first)
    assert append_pair(table, second)
    assert not append_pair(table, first)
    assert read_pairs(table) == [first, second]
    assert table.read_text() == first.to_line() + second.to_line()


def test_what_is_there_stays(tmp_path: Path) -> None:
    """Also a line that another program left unfinished."""
    table = tmp_path / "pairs.jsonl"
    table.write_bytes(b'{"half')
    assert append_pair(table, a_pair())
    assert table.read_bytes() == b'{"half\n' + a_pair().to_line().encode()
    with pytest.raises(ValueError, match=rf"^{re.escape(str(table))}, line 1, must be a pair: "):
        read_pairs(table)


@pytest.mark.parametrize("change", [{"design": None}, {"more": 1}, {"fit": {}}, {"estimate": {}}, {"estimate": 3}])
def test_no_pair(change: dict[str, object], tmp_path: Path) -> None:
    fields = json.loads(a_pair().to_line()) | change
    if fields["design"] is None:
        del fields["design"]
    table = tmp_path / "pairs.jsonl"
    table.write_text(json.dumps(fields) + "\n")
    with pytest.raises(ValueError, match=r"line 1, must be a pair: a pair must have the fields of "):
        read_pairs(table)


def test_writers_at_once(tmp_path: Path) -> None:
    table = tmp_path / "pairs.jsonl"
    pairs = [a_pair(seed) for seed in range(12)]
    with ProcessPoolExecutor(4) as pool:
        assert all(pool.map(append_pair, [table] * len(pairs), pairs))
    assert sorted(pair.seed or 0 for pair in read_pairs(table)) == list(range(12))


def test_a_full_disk_leaves_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "pairs.jsonl"
    append_pair(table, a_pair())

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match=r"^cannot write .*pairs\.jsonl: No space left on device$"):
        append_pair(table, a_pair(2))
    assert read_pairs(table) == [a_pair()]


def test_the_known_case() -> None:
    """The formulas still make of TALOS-V2's cells what they made when its fit was set beside them."""
    (pair,) = (pair for pair in known_pairs() if pair.digest == TALOS_V2.commit)
    assert pair.estimate is not None
    assert pair.estimate.core_alms == 23_074
    assert pair.estimate.alms == 24_121
    assert pair.estimate.core_cells["MISTRAL_FF"] == 17_520
    assert pair.estimate.multipliers == {27: 6, 18: 26, 9: 1}
    assert (pair.fit.alms, pair.fit.registers, pair.fit.dsp_blocks) == (25_851, 18_509, 38)
    assert pair.fit.period_ns == pytest.approx(16.086, abs=0.001)
    assert [round(path.picoseconds / 1000, 1) for path in pair.estimate.longest_paths] == [31.1, 29.6, 29.2, 28.7]
