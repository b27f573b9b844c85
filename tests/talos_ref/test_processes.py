"""No program outlives what started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from talos_ref.processes import execute, workers
from tests.helpers.processes import alive, until

ROOT = Path(__file__).resolve().parents[2]

STARTS = """
import os, sys
from pathlib import Path
from talos_ref.processes import execute, workers
folder = Path(sys.argv[1])
command = ["/bin/sh", "-c", "sleep 60 & echo $! $$; wait"]
def run(name):
    log = folder / name
    return execute(command, folder, dict(os.environ), log, on_line=lambda line: print(line + "\\n", end="", flush=True))
if sys.argv[2] == "pool":
    with workers(2) as pool:
        list(pool.map(run, ("a.log", "b.log")))
else:
    run("a.log")
"""
"""Starts one program or two, each of which starts another, and prints their numbers."""


@pytest.mark.parametrize("how", ["alone", "pool"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_leaves_no_program_behind(number: signal.Signals, how: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTS, str(tmp_path), how]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as main:
        assert main.stdout is not None
        lines = [main.stdout.readline() for _ in range(2 if how == "pool" else 1)]
        started = [int(word) for line in lines for word in line.split()]
        assert len(started) == 2 * len(lines)
        assert all(map(alive, started))
        main.send_signal(number)
        assert main.wait(20) == (1 if number is signal.SIGINT else -number) or main.returncode == -number
    assert until(lambda: not any(map(alive, started)), 5)


def test_time_is_limited(tmp_path: Path) -> None:
    started = time.monotonic()
    command = ["/bin/sh", "-c", "echo begun; sleep 60"]
    assert execute(command, tmp_path, dict(os.environ), tmp_path / "log", timeout=0.5) is None
    assert time.monotonic() - started < 20
    assert (tmp_path / "log").read_text() == "begun\n"


def test_a_program_is_given_up(tmp_path: Path) -> None:
    started = time.monotonic()
    lines: list[str] = []
    command = ["/bin/sh", "-c", "echo one; echo two; sleep 60"]
    assert execute(
        command, tmp_path, dict(os.environ), tmp_path / "log", on_line=lines.append, give_up=lambda: "two" in lines
    ) is None  # fmt: skip
    assert time.monotonic() - started < 20
    assert execute(["/bin/sh", "-c", "exit 3"], tmp_path, dict(os.environ), tmp_path / "log", give_up=bool) == 3


def test_a_failure_ends_the_others(tmp_path: Path) -> None:
    def fail() -> None:
        raise ValueError("first")

    started = time.monotonic()
    with pytest.raises(ValueError, match=r"^first$"):  # noqa: PT012
        with workers(2) as pool:
            pool.submit(execute, ["sleep", "60"], tmp_path, dict(os.environ), tmp_path / "log")
            pool.submit(fail).result()
    assert time.monotonic() - started < 20


def test_a_log_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left on device"):
        execute(["echo", "much"], tmp_path, dict(os.environ), Path("/dev/full"))
