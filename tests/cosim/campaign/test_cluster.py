"""A campaign on a Dask scheduler with two workers, of which one is killed: nothing is lost, nothing counted twice."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from distributed import Client

from cosim.cli import main
from host_c import Model
from tests.helpers.campaigns import TEMPERATURES, command, environment, results, run, saved_design, totals
from tests.helpers.designs import small_design
from tests.helpers.processes import until

STEPS = 40_000


@contextmanager
def running(*words: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """Yield a process, which has ended when the block is left."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.dask_{words[0]}", *words[1:]], env=variables,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def test_a_killed_worker_loses_nothing(tmp_path: Path) -> None:
    file, out, build = tmp_path / "scheduler.json", tmp_path / "campaign.json", tmp_path / "build"
    design, variables = saved_design(tmp_path / "small"), environment(build)
    with ExitStack() as stack:
        stack.enter_context(
            running("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show",
                    "--scheduler-file", str(file), **variables)
        )  # fmt: skip
        assert until(file.exists, 60)
        workers = [
            stack.enter_context(
                running("worker", "--scheduler-file", str(file), "--nthreads", "1", "--no-nanny", "--no-dashboard",
                        "--local-directory", str(tmp_path / f"worker{number}"), **variables)
            )
            for number in range(2)
        ]  # fmt: skip
        address = json.loads(file.read_text())["address"]
        connect: Any = Client
        with connect(address) as client:
            client.wait_for_workers(2, timeout=60)
        words = command(design, out, STEPS, "--scheduler", address)
        process = subprocess.Popen(words, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            assert until(lambda: results(build) or process.poll() is not None, 120)
            assert process.poll() is None
            # The one that has done the first shard, and is at work at another one.
            first, *_ = results(build)
            before, killed = len(results(build)), json.loads(first.read_text())["outcome"]["worker"]
            os.kill(int(killed.partition(":")[2]), signal.SIGKILL)
            _, said = process.communicate(timeout=120)
        finally:
            process.kill()
            process.wait()
        assert process.returncode == 0, said
        assert before < len(TEMPERATURES)
        found, document = totals(out), json.loads(out.read_text())
        assert document["workers"] == {"scheduler": address}
        assert (found["shards"], found["failed"], found["kept"]) == (len(TEMPERATURES), 0, 0)
        # What the shards must have in all, by the library alone.
        model = Model(small_design("abc"))
        wanted = sum(
            model.generate_counted(list(range(shard["seed"], shard["seed"] + shard["names"])), shard["temperature"])[1]
            for shard in document["shards"]
        )
        assert found["steps"] == wanted
        assert len(results(build)) == len(TEMPERATURES)
        by_worker = Counter(shard["worker"] for shard in document["shards"])
        assert set(by_worker) == {f"{platform.node()}:{worker.pid}" for worker in workers}
        assert by_worker[killed] < len(TEMPERATURES) - 1
        # Nothing is asked of the scheduler again.
        again = run(words, variables)
        assert again.returncode == 0, again.stderr
        assert totals(out) == found | {"kept": len(TEMPERATURES)}


def test_no_scheduler_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TALOS_BUILD", str(tmp_path / "build"))
    monkeypatch.setattr("cosim.campaign.cluster._CONNECT_SECONDS", 1)
    design = saved_design(tmp_path / "small")
    words = command(design, tmp_path / "campaign.json", 100, "--scheduler", "tcp://127.0.0.1:9")[3:]
    assert main(words) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: the scheduler tcp://127.0.0.1:9 cannot be reached (")
    assert said.endswith("start one: dask scheduler\n")
    assert said.count("\n") == 1
