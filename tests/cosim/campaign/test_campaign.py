"""Campaigns as a whole: every kind of shard, results kept, failures first with a command that repeats them."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import uuid
import warnings
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from cosim.campaign.campaign import run_campaign
from cosim.campaign.local import ATTEMPTS, run_local
from cosim.campaign.plan import Chosen, Sizes, plan
from cosim.campaign.shard import Status, pack_design
from cosim.campaign.store import Store
from cosim.campaign.worker import task
from cosim.cli import main
from tests.cosim.core.test_mutation import flip
from tests.helpers.campaigns import ROOT, command, environment, results, run, saved_design, totals
from tests.helpers.designs import small_design
from tests.helpers.processes import children, marked, until
from tests.helpers.tiny_design import tiny_design

SCHEMA = ROOT / "cosim" / "campaign" / "schema.json"


def check_schema(document: Any) -> None:
    """Raise unless a document is as the schema says."""
    from jschon import JSON, JSONSchema, create_catalog

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        create_catalog("2020-12")
        result = JSONSchema(json.loads(SCHEMA.read_text())).evaluate(JSON(document))
        assert result.valid, result.output("basic")


class Page(HTMLParser):
    """The text of a page, and whatever it would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.loads, self.tags = "", list[str](), list[str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [str(value) for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A build folder of these tests' own."""
    folder = tmp_path_factory.mktemp("build")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TALOS_BUILD", str(folder))
        patch.setenv("PYTHONPATH", str(ROOT))
        yield folder


def campaign(out: Path, *words: str) -> tuple[int, Any]:
    """Run a campaign and return its status and its document."""
    status = main(["campaign", *words, "--out", str(out)])
    return status, json.loads(out.read_text())


def test_what_is_done_once_is_kept(build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny, small = tiny_design().save(tmp_path / "tiny"), saved_design(tmp_path / "small")
    out = tmp_path / "campaign.json"
    words = ("--only", "kernels", "--only", "golden", "--design", str(small), "--design", str(tiny),
             "--temperature", "0.5", "--steps", "3000", "--golden-steps", "2000")  # fmt: skip
    status, document = campaign(out, *words)
    assert status == 0, capsys.readouterr().err
    check_schema(document)
    assert document["failures"] == []
    assert document["totals"]["kernels"]["shards"] == 1
    assert document["totals"]["golden"]["shards"] == 2
    assert document["totals"]["kernels"]["steps"] == pytest.approx(3000, rel=0.1)
    assert "kernels leaves out talos-v2: it has the kernel scalar alone" in document["left_out"][0]
    assert len(results(build)) == 3
    # Once more: all of it is kept, and the sums are the same.
    status, later = campaign(out, *words)
    assert status == 0
    assert all(shard["kept"] for shard in later["shards"])
    for kind in ("kernels", "golden"):
        assert later["totals"][kind] == document["totals"][kind] | {"kept": document["totals"][kind]["shards"]}
    # A result that is damaged on disk is made again, and is the same.
    damaged = results(build)[0]
    right = json.loads(damaged.read_text())
    damaged.write_bytes(damaged.read_bytes().replace(b'"steps": ', b'"steps": 9', 1))
    status, later = campaign(out, *words)
    assert status == 0
    assert [shard["kept"] for shard in later["shards"]].count(False) == 1
    again = json.loads(damaged.read_text())
    assert again["inputs"] == right["inputs"]
    assert again["outcome"]["steps"] == right["outcome"]["steps"]
    page = Page((tmp_path / "campaign.html").read_text())
    assert page.loads == []
    assert "script" not in page.tags
    assert "All 3 shards passed." in page.text


def test_a_flipped_weight_is_reported_and_repeated(
    build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    design = tiny_design().save(tmp_path / "tiny")
    words = ("--design", str(design), "--simulator", "icarus", "--icarus-names", "2", "--only", "lockstep",
             "--temperature", "0.5")  # fmt: skip
    status, document = campaign(tmp_path / "right.json", *words)
    assert status == 0
    check_schema(document)
    assert document["totals"]["lockstep"]["names"] == 2
    [verilog] = build.glob("designs/tiny-*/verilog-*/*.v")
    text = verilog.read_text()
    memory = re.search(r"^module \\tiny\.weights.*?^\s+memory\[0\] = \d+'h([0-9a-f]+);", text, re.M | re.S)
    assert memory is not None
    wrong = text[: memory.start(1)] + flip(memory[1], 13) + text[memory.end(1) :]
    verilog.write_text(wrong)
    try:
        # The result that is kept of the right circuit is not taken for this one's.
        status, document = campaign(tmp_path / "wrong.json", *words)
        said = capsys.readouterr().err
        assert status == 1
        check_schema(document)
        [failure] = document["failures"]
        assert failure["status"] == "differs"
        assert re.search(r"tiny in Icarus Verilog .*: .* must be .*, not ", failure["said"])
        assert f"again: {failure['repeat']}\n" in said
        assert not document["shards"][0]["kept"]
        page = Page((tmp_path / "wrong.html").read_text())
        assert page.text.index(failure["repeat"]) < page.text.index("What was compared")
        program, *rest = shlex.split(failure["repeat"])
        assert program == "python"
        again = run([sys.executable, *rest, "--out", str(tmp_path / "again.json")], environment(build))
        assert again.returncode == 1
        [repeated] = json.loads((tmp_path / "again.json").read_text())["failures"]
        assert repeated == failure | {"worker": repeated["worker"]}
        assert "Traceback" not in again.stderr
    finally:
        verilog.write_text(text)


def local_workers() -> list[int]:
    """Return the worker processes of this one."""
    return [pid for pid in children(os.getpid()) if b"campaign.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def small_lines(count: int, names: int) -> list[str]:
    """Return tasks beside Python."""
    one = Chosen(design=small_design("abc"), options=("--design", "x"))
    packed = pack_design(one.design)
    lines = []
    for index in range(count):
        sizes = Sizes(names=0, icarus_names=0, steps=0, golden_steps=0, seeds=(1 + names * index, names))
        [planned], _ = plan([one], ["golden"], [0.5], [], sizes, "c")
        lines.append(task(planned.shard, packed))
    return lines


def test_a_lost_worker_loses_nothing(build: Path) -> None:
    lines, found, killed = small_lines(5, 5000), list[int](), 0
    for number, outcome in run_local(lines, 2):
        assert outcome.status is Status.PASSED, outcome.said
        found.append(number)
        if not killed:
            killed = local_workers()[0]
            os.kill(killed, signal.SIGKILL)
    assert sorted(found) == list(range(5))
    assert killed
    assert not local_workers()


def test_a_shard_that_loses_every_worker_is_a_failure(build: Path, capfd: pytest.CaptureFixture[str]) -> None:
    [(number, outcome)] = run_local(["no shard\n"], 1)
    assert (number, outcome.status) == (0, Status.FAILED)
    assert f"{ATTEMPTS} workers in turn were lost" in outcome.said


def test_another_version_is_refused(build: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    one = Chosen(design=small_design("abc"), options=("--design", "x"))
    sizes = Sizes(names=0, icarus_names=0, steps=0, golden_steps=0, seeds=(1, 10))
    planned, _ = plan([one], ["golden"], [0.5], [], sizes, "c")
    monkeypatch.setattr("cosim.campaign.worker.bench_digest", lambda: "0" * 64)
    [done] = run_campaign(planned, Store(tmp_path), jobs=1)
    assert done.outcome.status is Status.FAILED
    assert "must have the same sources and packages" in done.outcome.said


def test_a_killed_campaign_goes_on_where_it_was(tmp_path: Path) -> None:
    design, out, mark = saved_design(tmp_path / "small"), tmp_path / "campaign.json", f"TALOS_TEST={uuid.uuid4()}"
    build = tmp_path / "build"
    words, variables = command(design, out, 25_000, "--jobs", "1"), environment(build, **dict([mark.split("=")]))
    process = subprocess.Popen(words, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert until(lambda: results(build), 60)
    finally:
        process.kill()
        process.wait()
    before = results(build)
    assert 1 <= len(before) < 6
    assert until(lambda: not marked(mark), 10), "workers must end with the campaign"
    assert not out.exists()
    done = run(words, variables)
    assert done.returncode == 0, done.stderr
    found = totals(out)
    assert found["kept"] == len(before)
    assert found["shards"] == len(results(build)) == 6
    assert found["steps"] == sum(json.loads(path.read_text())["outcome"]["steps"] for path in results(build))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seeds", "5"], "--seeds must be FIRST:COUNT, both 1 or more, not '5'"),
        (["--seeds", "4294967290:100"], "seed must be"),
        (["--only", "kernels", "--steps", "0"], "nothing is left to do"),
        (["--only", "golden", "--temperature", "99"], "nothing is left to do: folded is left out at 99"),
        (["--design", "none.json"], "none.json"),
        (["--only", "all"], "--only must be lockstep, kernels or golden, not 'all'"),
    ],
)
def test_bad_input_is_one_line(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    core = [] if "--design" in words else ["--core", "fused"]
    assert main(["campaign", *core, *words, "--out", str(tmp_path / "campaign.json")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert message in said
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())
