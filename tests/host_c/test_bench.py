"""The benchmark's bookkeeping: what may be compared, how steps are counted, what is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from host_c.bench.chart import write_chart
from host_c.bench.rows import BASE, PUBLISHED, Row, measured_rows, ratio, ratio_text, run, simulated_rows
from talos_ref.model.checkpoint import default_checkpoint


def test_ratio_between_emulated_and_real_is_refused() -> None:
    emulated = Row(name="A64 under qemu", kind="emulated", steps_per_second=[1.0])
    measured = Row(name="C", kind="measured", steps_per_second=[6.0, 2.0, 4.0])
    for pair in ((emulated, measured), (measured, emulated), (emulated, PUBLISHED[0])):
        with pytest.raises(ValueError, match="rows must be both emulated or neither"):
            ratio(*pair)
    assert ratio(measured, Row(name="base", kind="published", steps_per_second=[2.0])) == 2.0
    assert ratio(emulated, emulated) == 1.0
    assert measured.spread == 1.0


def test_every_row_runs_and_counts_the_same_steps() -> None:
    """Batched rows start at the same seeds in every implementation, so float rows take the same steps."""
    rows = {row.name: (row, work, names) for row, work, names in measured_rows(default_checkpoint())}
    loops = [work(40) for name, (_, work, _) in rows.items() if name.startswith(("pure", "NumPy"))]
    batched = [work(40) for name, (_, work, _) in rows.items() if name.startswith("C fp32") and "batched" in name]
    assert len(set(loops)) == 1
    assert set(batched) == set(loops)
    for row, work, _ in rows.values():
        run((row, work, 20))
        assert row.median > 0


def test_simulated_rows_come_from_the_report(tmp_path: Path) -> None:
    path = tmp_path / "sim.json"
    assert simulated_rows(path) == []
    runs = [
        {"core": "fused", "steps": 9, "steps_per_second": 1.6e6},
        {"core": "fused", "steps": 6000, "steps_per_second": 1.5e6},
        {"core": "fused", "steps": 30, "steps_per_second": 1.7e6},
    ]
    path.write_text(json.dumps({"clock_hz": 56_250_000, "runs": runs}), encoding="utf-8")
    (row,) = simulated_rows(path)
    assert (row.name, row.kind, row.median) == ("fused, co-simulated at 56.25 MHz", "simulated", 1.5e6)


def test_ratio_of_letters_to_steps_is_refused() -> None:
    letters = next(row for row in PUBLISHED if row.counts == "letters")
    with pytest.raises(ValueError, match="rows must count the same, not letters of 'TALOS-V2, board"):
        ratio(letters, BASE)
    assert ratio_text(letters, BASE) == ""
    assert ratio_text(BASE, BASE) == "1.00"


def test_chart_is_written_as_png_and_svg(tmp_path: Path) -> None:
    png, svg = write_chart([*PUBLISHED, Row(name="C", kind="measured", steps_per_second=[1e7])], PUBLISHED[0], tmp_path)
    assert png.read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in svg.read_bytes()
