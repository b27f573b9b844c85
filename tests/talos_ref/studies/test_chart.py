"""The chart of a study: two files, the same each time."""

from __future__ import annotations

from pathlib import Path

from talos_ref.studies.chart import write_bars


def test_bars(tmp_path: Path) -> None:
    arguments = ["a", "b"], [2.25, 3.5], [None, 3.25], "nats"
    png, svg = write_bars(tmp_path / "study", *arguments)
    assert (png.name, svg.name) == ("study.png", "study.svg")
    assert png.read_bytes().startswith(b"\x89PNG")
    first = svg.read_bytes()
    assert b"<svg" in first
    write_bars(tmp_path / "study", *arguments)
    assert svg.read_bytes() == first
    assert write_bars(tmp_path / "plain", ["a"], [1.0], [None], "nats")[1].read_bytes() != first
